"""A self-hosted speech platform: sound in, timed and attributed transcripts out.

The rooms, in the order in which the data walks through them:

    audio        files become channels of samples, in blocks
    vad          samples become spans of speech
    stt          pieces of speech become timed words
    text         recognised text becomes written text
    pipeline     all of the above, assembled: a recording becomes a transcript
    apps         what people use: transcription, evaluation

Beside the way stands ops (models, for whoever runs it). bootstrap puts everything together,
and cli is the `malgwi` command.
"""
