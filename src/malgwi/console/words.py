"""What the pages say, in Korean and English, one entry a phrase.

A test holds every page to this list: a phrase that is not in it cannot be shown, and one that
nobody shows is not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")
NAMES: Mapping[Language, str] = {"ko": "한국어", "en": "English"}

PHRASES: Mapping[str, tuple[str, str]] = {
    "brand": ("말귀", "Malgwi"),
    # the frame
    "skip": ("본문으로 건너뛰기", "Skip to the content"),
    "navigation": ("메뉴", "Menu"),
    "recordings": ("녹음", "Recordings"),
    "search": ("검색", "Search"),
    "glossaries": ("용어집", "Glossaries"),
    "jobs": ("작업", "Jobs"),
    "status": ("상태", "Status"),
    "people": ("사용자", "People"),
    "theme": ("밝기", "Brightness"),
    "theme_auto": ("시스템", "System"),
    "theme_light": ("밝게", "Light"),
    "theme_dark": ("어둡게", "Dark"),
    "language": ("언어", "Language"),
    "sign_out": ("나가기", "Sign out"),
    "sign_in": ("들어가기", "Sign in"),
    "nobody": ("열린 상태", "Open to this machine"),
    "role_admin": ("관리자", "administrator"),
    "role_editor": ("편집자", "editor"),
    "role_viewer": ("열람자", "viewer"),
    "signed_out": (
        "로그인이 끝났습니다. 다시 들어오면 이 페이지로 돌아옵니다.",
        "You are signed out. Sign in again, and you come back to this page.",
    ),
    "gone": (
        "서비스가 응답하지 않습니다. 다시 연결하는 중입니다.",
        "The service does not answer. Trying again.",
    ),
    "closed": (
        "이 페이지는 아직 이 컴퓨터에서만 열립니다. 그 컴퓨터에서 첫 관리자를 만드세요.",
        "These pages are open to their own machine alone, until the first administrator is made there.",  # noqa: E501
    ),
    "not_here": ("찾는 페이지가 없습니다.", "There is no such page."),
    "broken": (
        "페이지를 만들지 못했습니다. 로그에 요청 번호가 있습니다.",
        "This page could not be made. The log has the request.",
    ),
    "back_home": ("녹음으로 가기", "Go to the recordings"),
    # doors
    "welcome": ("말귀에 오신 것을 환영합니다", "Welcome to Malgwi"),
    "name": ("이름", "Name"),
    "password": ("비밀번호", "Password"),
    "password_hint": ("여덟 글자 이상", "Eight characters or more"),
    "by_key": ("API 키로 들어가기", "Sign in with an API key"),
    "by_password": ("비밀번호로 들어가기", "Sign in with a password"),
    "key": ("API 키", "API key"),
    "first_why": (
        "아직 아무도 없습니다. 첫 관리자를 만들면 그때부터는 로그인한 사람만 쓸 수 있습니다.",
        "There is nobody yet. Make the first administrator; from then on only those who sign in get in.",  # noqa: E501
    ),
    "first_make": ("관리자 만들기", "Make the administrator"),
    "first_later": ("나중에, 이 컴퓨터에서만 쓰기", "Later; use it on this machine alone"),
    # what pages share
    "save": ("저장", "Save"),
    "cancel": ("취소", "Cancel"),
    "close": ("닫기", "Close"),
    "remove": ("지우기", "Remove"),
    "more": ("더 보기", "Show more"),
    "retry": ("다시 시도", "Try again"),
    "loading": ("불러오는 중", "Loading"),
    # recordings
    "rec_upload": ("올리기", "Upload"),
    "rec_find": ("이름으로 찾기", "Part of a name"),
    "rec_label": ("라벨", "Label"),
    "rec_state": ("상태", "State"),
    "rec_any_state": ("모든 상태", "Any state"),
    "rec_queued": ("대기", "Waiting"),
    "rec_running": ("진행 중", "Running"),
    "rec_done": ("완료", "Done"),
    "rec_dead": ("실패", "Failed"),
    "rec_cancelled": ("취소됨", "Called off"),
    "rec_kept": ("보관만", "Kept only"),
    "rec_since": ("이날부터", "From this day"),
    "rec_until": ("이날까지", "To this day"),
    "rec_order": ("정렬", "Order"),
    "rec_newest": ("최근에 올린 순", "Latest first"),
    "rec_oldest": ("먼저 올린 순", "Oldest first"),
    "rec_started": ("녹음한 때 순", "By start"),
    "rec_by_name": ("이름순", "By name"),
    "rec_duration": ("긴 순", "Longest first"),
    "rec_clear": ("조건 지우기", "Clear the filter"),
    "rec_when": ("시각", "When"),
    "rec_length": ("길이", "Length"),
    "rec_channels": ("채널", "Channels"),
    "rec_labels": ("라벨", "Labels"),
    "rec_actions": ("더 할 일", "More"),
    "rec_actions_of": ("{name}: 더 할 일", "{name}: more"),
    "rec_choose": ("{name} 고르기", "Choose {name}"),
    "rec_choose_all": ("모두 고르기", "Choose all"),
    "rec_chosen": ("{count}개 고름", "{count} chosen"),
    "rec_choose_none": ("고르기 취소", "Choose none"),
    "rec_stage_decoding": ("소리를 읽는 중", "Reading the sound"),
    "rec_stage_recognising": ("받아쓰는 중", "Transcribing"),
    "rec_stage_writing": ("저장하는 중", "Writing"),
    "rec_stopping": ("멈추는 중", "Stopping"),
    "rec_place": ("{place}번째 차례", "Place {place} in the queue"),
    "rec_speed": ("{times}배속", "{times}x real time"),
    "rec_left": ("{time} 남음", "{time} left"),
    "rec_call_off": ("전사 취소", "Call off"),
    "rec_again": ("다시 전사", "Transcribe again"),
    "rec_rename": ("이름 바꾸기", "Rename"),
    "rec_edit_labels": ("라벨 고치기", "Labels"),
    "rec_export": ("내보내기", "Export"),
    "rec_delete": ("지우기", "Delete"),
    "rec_delete_one": ("「{name}」 녹음을 지울까요?", "Delete “{name}”?"),
    "rec_delete_many": ("녹음 {count}개를 지울까요?", "Delete {count} recordings?"),
    "rec_delete_why": (
        "목록과 검색에서 사라지고, 하던 작업은 취소됩니다. 여기서는 되돌릴 수 없습니다. 소리 파일은 관리자가 완전히 지울 때까지 디스크에 남습니다.",  # noqa: E501
        "It is found no more, here and in search, and its jobs are called off. This cannot be undone here. The sound stays on the disk until an administrator removes it for good.",  # noqa: E501
    ),
    "rec_purge": ("디스크에서도 완전히 지우기", "Remove it from the disk too, for good"),
    "rec_deleted": ("지웠습니다.", "Deleted."),
    "rec_again_many": ("녹음 {count}개를 다시 전사", "Transcribe {count} recordings again"),
    "rec_again_why": (
        "지금 있는 전사는 그대로 남고, 새 전사가 하나 더 생깁니다.",
        "The transcript that is there stays; a new one is added.",
    ),
    "rec_model": ("모델", "Model"),
    "rec_model_default": ("기본 모델", "The default"),
    "rec_new_labels": ("라벨 더하기", "Add labels"),
    "rec_new_labels_hint": ("쉼표로 나눕니다", "With commas between them"),
    "rec_labels_many": ("녹음 {count}개에 라벨 더하기", "Add labels to {count} recordings"),
    "rec_no_labels": ("아직 라벨이 없습니다.", "It has no labels yet."),
    "rec_started_again": ("다시 전사할 차례를 기다립니다.", "It waits to be transcribed again."),
    "rec_empty": ("아직 녹음이 없습니다", "No recordings yet"),
    "rec_empty_why": (
        "녹음 파일을 이 페이지 아무 데나 끌어다 놓으세요. 여러 개를 한꺼번에 놓아도 되고, 채널마다 파일이 따로여도 됩니다.",  # noqa: E501
        "Drop recordings anywhere on this page: many at once if you like, and one file a channel where they came so.",  # noqa: E501
    ),
    "rec_empty_choose": ("파일 고르기", "Choose files"),
    "rec_empty_folder": (
        "정해진 폴더에 떨어지는 녹음을 받으려면",
        "To take what falls into a folder",
    ),
    "rec_empty_command": ("명령줄에서 보내려면", "To send from the command line"),
    "rec_empty_viewer": ("녹음이 올라오면 여기에 보입니다.", "What others bring is shown here."),
    "rec_none": ("조건에 맞는 녹음이 없습니다", "No recording is like that"),
    "up_title": ("새 녹음", "New recordings"),
    "up_choose": ("녹음 파일 고르기", "Choose recordings"),
    "up_drop_here": ("여기에 놓으면 올립니다", "Drop to upload"),
    "up_empty_file": ("빈 파일은 뺐습니다.", "Files with nothing in them were left out."),
    "up_alike": (
        "파일 {count}개가 한 녹음의 채널처럼 보입니다: {names}",
        "{count} files look like channels of one recording: {names}",
    ),
    "up_together": ("한 녹음으로 묶기", "Put them together"),
    "up_name": ("녹음 이름", "Name of the recording"),
    "up_started": (
        "녹음을 시작한 때 (모르면 비워 두세요)",
        "When it began (leave it empty if you do not know)",
    ),
    "up_join": ("위 녹음에 채널로 더하기", "Add to the recording above, as a channel"),
    "up_leave_out": ("빼기", "Leave it out"),
    "up_apart": ("따로 떼기", "Make it a recording of its own"),
    "up_earlier": ("위로 옮기기", "Move it up"),
    "up_channel_name": ("채널 이름", "Name of the channel"),
    "up_channels": ("{count}채널", "{count} channels"),
    "up_goes_on": ("전에 올리던 데서 이어 감", "goes on where it was"),
    "up_language": ("말하는 언어", "Language"),
    "up_detect": ("알아서 찾기", "Detect it"),
    "up_glossary": ("용어집", "Glossary"),
    "up_no_glossary": ("쓰지 않음", "None"),
    "up_labels": ("라벨", "Labels"),
    "up_labels_hint": ("쉼표로 나눕니다", "With commas between them"),
    "up_send_one": ("녹음 올리기", "Upload the recording"),
    "up_send": ("녹음 {count}개 올리기", "Upload {count} recordings"),
    "up_tray": ("올리는 중인 녹음", "Uploads"),
    "up_fold": ("접기, 펴기", "Fold or unfold"),
    "up_clear": ("끝난 것 치우기", "Clear what ended"),
    "up_under_way": ("{count}개 올리는 중", "{count} under way"),
    "up_all_done": ("모두 끝났습니다", "All done"),
    "up_of": ("{size} 중 {sent}", "{sent} of {size}"),
    "up_left": ("{time} 남음", "{time} left"),
    "up_waiting": ("차례를 기다리는 중", "Waits for its turn"),
    "up_sending": ("올리는 중", "Sending"),
    "up_paused": ("멈춤", "Paused"),
    "up_lost": (
        "연결이 끊겼습니다. 다시 시도하는 중입니다. 보낸 것은 그대로 있습니다.",
        "Connection lost, trying again. What was sent is kept.",
    ),
    "up_making": ("마무리하는 중", "Finishing"),
    "up_cancelled": ("취소했습니다.", "Cancelled."),
    "up_refused": ("받지 않았습니다: {reason}", "Refused: {reason}"),
    "up_done": ("올렸습니다.", "It is here."),
    "up_duplicate": (
        "이미 있던 녹음입니다. 새로 저장하지 않았습니다.",
        "It was here already; nothing new is kept.",
    ),
    "up_show": ("보기", "Show it"),
    "up_pause": ("잠시 멈추기", "Pause"),
    "up_go_on": ("이어서 올리기", "Go on"),
    "up_cancel": ("그만 올리기", "Cancel"),
    "up_now": ("지금 다시 시도", "Try now"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases in one language."""

    language: Language

    def __call__(self, phrase: str, **values: object) -> str:
        """Raises KeyError for a phrase that is not in the list."""
        said = PHRASES[phrase][LANGUAGES.index(self.language)]
        return said.format(**values) if values else said


def chosen(cookie: str | None, accepted: str | None) -> Language:
    """What a person chose, or else the first language of their browser that there is."""
    for wanted in (cookie or "", *_by_weight(accepted or "")):
        for language in LANGUAGES:
            if wanted.lower().partition("-")[0] == language:
                return language
    return "en"


def _by_weight(accepted: str) -> list[str]:
    """Of an Accept-Language header (RFC 9110, section 12.5.4), best first."""
    weighed = []
    for each in accepted[:500].split(","):
        language, _, weight = each.strip().partition(";q=")
        try:
            weighed.append((float(weight or 1), language))
        except ValueError:
            continue
    return [language for weight, language in sorted(weighed, key=lambda one: -one[0]) if weight > 0]
