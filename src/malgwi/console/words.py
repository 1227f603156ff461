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
    "theme": ("화면 밝기", "Brightness"),
    "theme_auto": ("시스템", "System"),
    "theme_light": ("밝게", "Light"),
    "theme_dark": ("어둡게", "Dark"),
    "language": ("언어", "Language"),
    "sign_out": ("로그아웃", "Sign out"),
    "sign_in": ("로그인", "Sign in"),
    "nobody": ("로그인 없음", "Open to this machine"),
    "role_admin": ("관리자", "administrator"),
    "role_editor": ("편집자", "editor"),
    "role_viewer": ("열람자", "viewer"),
    "signed_out": (
        "로그인이 만료되었습니다. 새 탭에서 다시 로그인하면 이 페이지가 이어지고, 적던 것은 그대로 있습니다.",  # noqa: E501
        "Your session has ended. Sign in again in another tab, and this page goes on; what you wrote stays.",  # noqa: E501
    ),
    "gone": (
        "서비스가 응답하지 않습니다. 다시 연결하는 중입니다.",
        "The service does not answer. Trying again.",
    ),
    "closed": (
        "이 페이지는 아직 서비스가 도는 컴퓨터에서만 열립니다. 그 컴퓨터에서 첫 관리자를 만드세요.",
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
    "by_key": ("API 키로 로그인", "Sign in with an API key"),
    "by_password": ("비밀번호로 로그인", "Sign in with a password"),
    "key": ("API 키", "API key"),
    "first_why": (
        "아직 사용자가 없습니다. 첫 관리자를 만들면 그때부터는 로그인한 사람만 쓸 수 있습니다.",
        "There is nobody yet. Make the first administrator; from then on only those who sign in get in.",  # noqa: E501
    ),
    "wrong": (
        "이름이나 비밀번호, 또는 키가 맞지 않습니다.",
        "Nobody has this name with this password, or this key.",
    ),
    "too_many": (
        "시도가 너무 많았습니다. {seconds}초 뒤에 다시 할 수 있습니다.",
        "There were too many attempts. Try again in {seconds} s.",
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
    "rec_started": ("녹음 시각 순", "By start"),
    "rec_by_name": ("이름순", "By name"),
    "rec_duration": ("긴 녹음부터", "Longest first"),
    "rec_clear": ("조건 초기화", "Clear the filter"),
    "rec_when": ("시각", "When"),
    "rec_length": ("길이", "Length"),
    "rec_channels": ("채널", "Channels"),
    "rec_labels": ("라벨", "Labels"),
    "rec_actions": ("메뉴", "More"),
    "rec_actions_of": ("{name}: 메뉴", "{name}: more"),
    "rec_choose": ("{name} 선택", "Choose {name}"),
    "rec_choose_all": ("모두 선택", "Choose all"),
    "rec_chosen": ("{count}개 선택됨", "{count} chosen"),
    "rec_choose_none": ("선택 해제", "Choose none"),
    "rec_stage_decoding": ("소리를 읽는 중", "Reading the sound"),
    "rec_stage_recognising": ("전사하는 중", "Transcribing"),
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
    "rec_new_labels": ("라벨 추가", "Add labels"),
    "rec_new_labels_hint": ("쉼표로 구분합니다", "With commas between them"),
    "rec_labels_many": ("녹음 {count}개에 라벨 추가", "Add labels to {count} recordings"),
    "rec_no_labels": ("아직 라벨이 없습니다.", "It has no labels yet."),
    "rec_started_again": (
        "다시 전사할 차례를 기다리고 있습니다.",
        "It waits to be transcribed again.",
    ),
    "rec_empty": ("아직 녹음이 없습니다", "No recordings yet"),
    "rec_empty_why": (
        "녹음 파일을 이 페이지 아무 데나 끌어다 놓으세요. 여러 개를 한꺼번에 놓아도 되고, 채널마다 파일이 따로여도 됩니다.",  # noqa: E501
        "Drop recordings anywhere on this page: many at once if you like, and one file a channel where they came so.",  # noqa: E501
    ),
    "rec_empty_choose": ("파일 선택", "Choose files"),
    "rec_empty_folder": (
        "폴더에 들어오는 녹음을 자동으로 받으려면",
        "To take what falls into a folder",
    ),
    "rec_empty_command": ("명령줄에서 보내려면", "To send from the command line"),
    "rec_empty_viewer": (
        "다른 사람이 올린 녹음이 여기에 보입니다.",
        "What others bring is shown here.",
    ),
    "rec_none": ("조건에 맞는 녹음이 없습니다", "No recording is like that"),
    "up_title": ("새 녹음", "New recordings"),
    "up_choose": ("녹음 파일 선택", "Choose recordings"),
    "up_drop_here": ("여기에 놓으면 올립니다", "Drop to upload"),
    "up_empty_file": ("빈 파일은 뺐습니다.", "Files with nothing in them were left out."),
    "up_alike": (
        "파일 {count}개가 한 녹음의 채널처럼 보입니다: {names}",
        "{count} files look like channels of one recording: {names}",
    ),
    "up_together": ("한 녹음으로 묶기", "Put them together"),
    "up_name": ("녹음 이름", "Name of the recording"),
    "up_started": (
        "녹음을 시작한 시각 (모르면 비워 두세요)",
        "When it began (leave it empty if you do not know)",
    ),
    "up_join": ("위 녹음의 채널로 추가", "Add to the recording above, as a channel"),
    "up_leave_out": ("빼기", "Leave it out"),
    "up_apart": ("따로 분리", "Make it a recording of its own"),
    "up_earlier": ("위로 옮기기", "Move it up"),
    "up_channel_name": ("채널 이름", "Name of the channel"),
    "up_channels": ("{count}채널", "{count} channels"),
    "up_goes_on": ("지난번에 멈춘 곳부터 이어서", "goes on where it was"),
    "up_language": ("말하는 언어", "Language"),
    "up_detect": ("자동 감지", "Detect it"),
    "up_glossary": ("용어집", "Glossary"),
    "up_no_glossary": ("쓰지 않음", "None"),
    "up_labels": ("라벨", "Labels"),
    "up_labels_hint": ("쉼표로 구분합니다", "With commas between them"),
    "up_send_one": ("녹음 올리기", "Upload the recording"),
    "up_send": ("녹음 {count}개 올리기", "Upload {count} recordings"),
    "up_tray": ("올리는 중인 녹음", "Uploads"),
    "up_fold": ("접기, 펴기", "Fold or unfold"),
    "up_clear": ("끝난 항목 치우기", "Clear what ended"),
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
    # search
    "find_hint": ("무슨 말을 찾을까요", "What was said?"),
    "find_filters": ("어디에서 찾을지", "Where to look"),
    "find_recording": ("녹음", "Recording"),
    "find_channel": ("채널", "Channel"),
    "find_any_channel": ("모든 채널", "Any channel"),
    "find_speaker": ("화자", "Speaker"),
    "find_label": ("라벨", "Label"),
    "find_since": ("이때부터", "From this time"),
    "find_until": ("이때까지", "Until this time"),
    "find_order": ("정렬", "Order"),
    "find_by_relevance": ("잘 맞는 순", "Best first"),
    "find_by_time": ("최근에 말한 순", "Latest first"),
    "find_no_recording": ("그런 이름의 녹음이 없습니다.", "No recording is called so."),
    "find_play": ("{time}부터 듣기", "Play from {time}"),
    "find_play_tip": ("듣기 (스페이스)", "Play (Space)"),
    "find_open": ("전사에서 이 대목 보기", "Open the transcript there"),
    "find_only": ("이 녹음에서만 찾기", "Search in this recording alone"),
    "find_no_sound": ("소리를 들을 수 없습니다.", "The sound cannot be played."),
    "find_first": ("{count}건, 더 있습니다", "{count} hits so far, and more"),
    "find_all": ("{count}건", "{count} hits"),
    "find_one": ("1건", "1 hit"),
    "find_empty": ("모든 녹음에서 한 말을 찾습니다", "Find what was said in any recording"),
    "find_example_phrase": ("“북문 초소”", '"north gate"'),
    "find_why_phrase": (
        "따옴표 안의 말이 그대로 이어진 곳",
        "the words in quotes, one after the other",
    ),
    "find_example_minus": ("초소 -북문", "gate -north"),
    "find_why_minus": ("앞의 말은 있고 뺀 말은 없는 곳", "the first, where the second is not"),
    "find_example_particle": ("북문에서", "북문에서"),
    "find_why_particle": (
        "조사가 달라도 찾습니다: 북문은, 북문으로",
        "Korean with any particle: 북문은 and 북문으로 as well",
    ),
    "find_nothing": ("「{words}」에 맞는 말이 없습니다", "Nothing was found for “{words}”"),
    "find_try": (
        "낱말을 줄이거나, 따옴표를 빼거나, 들리는 대로 적어 보세요.",
        "Try fewer words, leave out the quotes, or write it as it sounds.",
    ),
    "find_everywhere": ("조건 없이 모두에서 찾기", "Look everywhere"),
    # amounts
    "time_moment": ("1분 미만", "less than a minute"),
    "time_minutes": ("{count}분", "{count} min"),
    "time_hours": ("{count}시간", "{count} h"),
    "time_days": ("{count}일", "{count} days"),
    # jobs
    "job_what": ("내용", "What"),
    "job_lane": ("대기열", "Lane"),
    "job_kind": ("종류", "Kind"),
    "job_attempt": ("시도", "Attempt"),
    "job_age": ("등록 시각", "Added"),
    "job_any_lane": ("모든 대기열", "Any lane"),
    "job_any_kind": ("모든 종류", "Any kind"),
    "job_waiting": ("대기", "Waiting"),
    "job_running": ("진행 중", "Running"),
    "job_oldest": ("가장 오래 기다린 것", "Longest wait"),
    "job_waiting_for_other": ("앞선 작업 대기", "Waits for another"),
    "job_nth": ("{attempt}/{most}회", "{attempt} of {most}"),
    "job_took": ("{time} 걸림", "took {time}"),
    "job_call_off": ("작업 취소", "Call off"),
    "job_recording_gone": ("지운 녹음", "A recording that was deleted"),
    "job_none": ("조건에 맞는 작업이 없습니다.", "There are no such jobs."),
    "job_of_recording": ("이 녹음의 작업만", "Jobs of one recording"),
    "lane_live": ("실시간", "Live"),
    "lane_interactive": ("우선", "Interactive"),
    "lane_batch": ("일반", "Batch"),
    "kind_transcribe": ("전사", "Transcription"),
    "kind_glossary": ("용어집 적용", "Glossary"),
    # status
    "status_since": ("시작 시각", "running since"),
    "status_check": ("지금 점검", "Check now"),
    "status_checks": ("점검", "Checks"),
    "status_engines": ("엔진", "Engines"),
    "status_models": ("모델", "Models"),
    "status_disk": ("디스크", "Disk"),
    "status_work": ("작업", "Work"),
    "status_device": ("장치", "Device"),
    "status_memory": ("메모리", "Memory"),
    "status_fell_back": ("대체 장치 사용 중", "fell back"),
    "status_no_engine": (
        "이 서비스에는 엔진이 없습니다.",
        "This service has no engine of its own.",
    ),
    "status_no_model": ("설치한 모델이 없습니다.", "No model is installed."),
    "status_size": ("크기", "Size"),
    "status_licence": ("라이선스", "Licence"),
    "status_commercial": ("상업적 이용", "Commercial use"),
    "status_allowed": ("가능", "allowed"),
    "status_forbidden": ("불가", "not allowed"),
    "status_unknown": ("알 수 없음", "not known"),
    "status_free": ("{total} 중 {free} 남음", "{free} free of {total}"),
    "status_used": ("사용 중인 디스크", "Disk in use"),
    "status_media": ("소리", "Sound"),
    "status_database": ("데이터베이스", "Database"),
    "status_folder": ("폴더", "Folder"),
    "status_backup": ("마지막 백업", "Last backup"),
    "status_no_backup": ("아직 없음", "none yet"),
    "status_busy": ("작업 중인 워커", "Workers at work"),
    "status_worker": ("{name}: 작업 {count}개", "{name}, jobs: {count}"),
    "engine_ready": ("준비됨", "ready"),
    "engine_loading": ("불러오는 중", "loading"),
    "engine_unloaded": ("쉬는 중", "unloaded, comes back when asked for"),
    "engine_failed": ("실패", "failed"),
    "check_show": ("보기", "Show"),
    "check_all_good": ("모두 정상입니다 ({count}가지)", "All {count} checks are fine"),
    "check_good": ("나머지 {count}가지는 정상입니다", "Fine: {count} more"),
    "check_canary": (
        "{model}: 점검용 녹음을 {seconds}초 만에 바르게 전사했습니다.",
        "{model} heard a known recording rightly in {seconds} s.",
    ),
    "check_canary_failed": (
        "{model}: 점검용 녹음을 바르게 전사하지 못합니다. {reason}",
        "{model} does not hear a known recording rightly. {reason}",
    ),
    "check_engine_failed": (
        "{model}: 불러오지 못했습니다. {reason}",
        "{model} could not be loaded. {reason}",
    ),
    "check_reason_hidden": ("이유는 관리자에게 보입니다.", "An administrator sees the reason."),
    "check_engine_remedy": (
        "서비스가 도는 컴퓨터에서 malgwi engines를 실행하면 무엇이 모자라는지 나옵니다. 고친 뒤 서비스를 다시 켜세요.",  # noqa: E501
        "Run malgwi engines on the machine of the service: it says what is missing. Mend it, then start the service again.",  # noqa: E501
    ),
    "check_fallback": (
        "{model}: 요청한 장치가 아니라 {device}에서 돌고 있습니다. {reason}",
        "{model} runs on {device}, not on what was asked for. {reason}",
    ),
    "check_fallback_remedy": (
        "전사는 되지만 더 느립니다. 그 컴퓨터에서 malgwi engines를 실행하면 고칠 방법이 나옵니다. 이대로 쓰려면 STT_DEVICE=cpu로 정하세요.",  # noqa: E501
        "It works, but slower. Run malgwi engines on that machine: it says what to mend. To keep it so, set STT_DEVICE=cpu.",  # noqa: E501
    ),
    "check_disk": ("디스크가 {free} 남았습니다.", "{free} of the disk are free."),
    "check_disk_short": ("디스크가 {free}만 남았습니다.", "Only {free} of the disk are left."),
    "check_disk_full": (
        "디스크가 {free}만 남아 녹음을 더 받지 않습니다.",
        "Only {free} of the disk are left: no recording is taken any more.",
    ),
    "check_disk_remedy": (
        "필요 없는 녹음을 디스크에서도 지우거나, 데이터를 더 큰 디스크로 옮기세요.",
        "Delete recordings for good that nobody needs, or move the data to a larger disk.",
    ),
    "check_backup": ("최근 백업이 있습니다.", "There is a recent backup."),
    "check_backup_old": ("마지막 백업이 {time} 전 것입니다.", "The last backup is {time} old."),
    "check_no_backup": ("백업이 없습니다.", "There is no backup."),
    "check_backup_remedy": (
        "서비스가 도는 컴퓨터에서 malgwi backup create FOLDER를 실행하세요. 서비스를 끄지 않아도 됩니다.",  # noqa: E501
        "Run malgwi backup create FOLDER on the machine of the service, which may go on meanwhile.",
    ),
    "check_model": ("{model} 모델의 파일이 모자랍니다.", "Files of the model {model} are missing."),
    "check_model_remedy": (
        "이 명령으로 받으세요: malgwi models pull {model}",
        "Run malgwi models pull {model}.",
    ),
    "check_queue": ("기다리는 작업 {count}개", "Jobs waiting: {count}"),
    "check_queue_stuck": (
        "작업 {count}개가 {time}째 기다리는데 처리하는 워커가 없습니다.",
        "Jobs wait, the first of {count} for {time}, and none is being done.",
    ),
    "check_queue_remedy": (
        "워커가 살아 있는지 보세요. 따로 띄우는 워커는 malgwi worker로 시작합니다.",
        "See whether the workers live. Those of their own are started with malgwi worker.",
    ),
    "check_workers": ("작업 중인 워커 {count}개", "Workers at work: {count}"),
    "check_silent": (
        "작업 {count}개의 워커가 응답하지 않습니다.",
        "Jobs whose workers were not heard of: {count}",
    ),
    "check_silent_remedy": (
        "그 작업은 곧 다른 워커가 이어받습니다. 계속되면 그 워커의 컴퓨터를 보세요.",
        "Another worker takes them over soon. If it lasts, look at the machines of those workers.",
    ),
    "check_no_dead": ("실패한 작업이 없습니다.", "No job was given up."),
    "check_dead": (
        "실패한 작업이 {count}개 있습니다.",
        "Jobs that failed and were given up: {count}",
    ),
    "check_dead_remedy": (
        "이유를 보고 고친 뒤 다시 시도하세요.",
        "See the reason of each, mend it, and try again.",
    ),
    # people
    "people_users": ("사용자", "Users"),
    "people_keys": ("API 키", "API keys"),
    "people_audit": ("활동 기록", "Audit trail"),
    "people_none": (
        "아직 사용자가 없습니다. 첫 사용자는 관리자여야 합니다.",
        "There is nobody yet. The first user should be an administrator.",
    ),
    "people_no_keys": ("API 키가 없습니다.", "There are no API keys."),
    "people_add": ("사용자 만들기", "Add a user"),
    "people_role": ("역할", "Role"),
    "people_roles": (
        "열람자는 보고 듣고, 편집자는 올리고 고치고 지우며, 관리자는 사람과 키도 다룹니다.",
        "Viewers read and listen; editors send, correct and delete; administrators look after people and keys too.",  # noqa: E501
    ),
    "people_signed_in": ("마지막 로그인", "Last signed in"),
    "people_never": ("없음", "never"),
    "people_no_end": ("기한 없음", "never"),
    "people_you": ("나", "you"),
    "people_disabled": ("로그인 막힘", "disabled"),
    "people_change_role": ("{name}의 역할", "Role of {name}"),
    "people_new_password": ("{name}의 새 비밀번호", "New password for {name}"),
    "people_ends_sessions": (
        "열려 있던 로그인이 모두 끝나고, 다시 로그인해야 합니다.",
        "Their sessions end, and they sign in again.",
    ),
    "people_disable": ("로그인 막기", "Disable"),
    "people_disable_ask": ("「{name}」 사용자의 로그인을 막을까요?", "Disable {name}?"),
    "people_disable_why": (
        "열려 있던 로그인이 끝나고 새로 로그인할 수 없습니다. 언제든 다시 허용할 수 있습니다.",
        "Their sessions end and they cannot sign in, until they are enabled again.",
    ),
    "people_enable": ("다시 허용", "Enable"),
    "people_enable_ask": ("「{name}」 사용자의 로그인을 다시 허용할까요?", "Enable {name} again?"),
    "people_enable_why": (
        "전과 같은 비밀번호와 역할로 로그인합니다.",
        "They sign in with the password and the role that they had.",
    ),
    "people_remove_one": ("{name} 지우기", "Remove {name}"),
    "people_remove_ask": ("「{name}」 사용자를 지울까요?", "Remove {name}?"),
    "people_remove_why": (
        "더는 로그인할 수 없습니다. 그 사람이 한 일은 남습니다. 되돌릴 수 없습니다.",
        "They cannot sign in any more. What they did stays. This cannot be undone.",
    ),
    "people_make_key": ("키 만들기", "Make a key"),
    "people_key_name": ("무엇에 쓰는 키인가요", "What it is for"),
    "people_key_hint": (
        "목록과 기록에 이 이름으로 보입니다",
        "It is called so in the list and the trail",
    ),
    "people_made": ("만든 시각", "Made"),
    "people_expires": ("만료 시각", "Expires"),
    "people_expires_hint": (
        "비워 두면 폐기할 때까지 쓸 수 있습니다",
        "Empty: it opens until it is revoked",
    ),
    "people_used": ("마지막 사용", "Last used"),
    "people_key_made": (
        "「{name}」 키를 만들었습니다. 지금 한 번만 보이니 복사해 두세요.",
        "The key “{name}” is made. It is shown this once: copy it now.",
    ),
    "people_copy": ("복사", "Copy"),
    "people_copied": ("복사했습니다.", "Copied."),
    "people_key_kept": ("복사해 두었습니다", "I have it"),
    "people_revoke": ("폐기", "Revoke"),
    "people_revoke_ask": ("「{name}」 키를 폐기할까요?", "Revoke the key “{name}”?"),
    "people_revoke_why": (
        "이 키를 쓰던 프로그램과 이 키로 로그인한 사람은 바로 막힙니다. 되돌릴 수 없습니다.",
        "It opens nothing from now on, and whoever signed in with it is out. This cannot be undone.",  # noqa: E501
    ),
    "people_revoked": ("폐기됨", "revoked"),
    "people_expired": ("만료됨", "expired"),
    "audit_find": ("대상 ID로 찾기", "Id of what it was done to"),
    "audit_only": ("이것에 한 일만: {target}", "Only what was done to {target}"),
    "audit_at": ("시각", "When"),
    "audit_who": ("누가", "Who"),
    "audit_what": ("한 일", "Did"),
    "audit_target": ("대상", "To"),
    "audit_details": ("자세한 내용", "Details"),
    "audit_none": ("기록이 없습니다.", "Nothing is recorded."),
    "audit_settings": ("설정의 키", "a key of the settings"),
    "audit_command": ("malgwi user 명령", "malgwi user"),
    "audit_session_create": ("로그인", "signed in"),
    "audit_session_end": ("로그아웃", "signed out"),
    "audit_session_refuse": ("로그인 거절", "was refused"),
    "audit_user_create": ("사용자 만듦", "made a user"),
    "audit_user_update": ("사용자 바꿈", "changed a user"),
    "audit_user_delete": ("사용자 지움", "removed a user"),
    "audit_user_password": ("비밀번호 바꿈", "changed their password"),
    "audit_key_create": ("키 만듦", "made a key"),
    "audit_key_revoke": ("키 폐기", "revoked a key"),
    "audit_recording_create": ("녹음 올림", "sent a recording"),
    "audit_recording_update": ("녹음 바꿈", "changed a recording"),
    "audit_recording_delete": ("녹음 지움", "deleted a recording"),
    "audit_recording_purge": ("녹음 완전히 지움", "removed a recording for good"),
    "audit_recording_transcribe": ("다시 전사", "had it transcribed again"),
    "audit_transcript_correct": ("전사 고침", "corrected a transcript"),
    "audit_transcript_speakers": ("화자 이름 바꿈", "renamed speakers"),
    "audit_transcript_undo": ("고친 것 되돌림", "undid a correction"),
    "audit_job_cancel": ("작업 취소", "called off a job"),
    "audit_job_retry": ("작업 다시 시도", "tried a job again"),
    "audit_glossary_put": ("용어집 저장", "wrote a glossary"),
    "audit_glossary_apply": ("용어집 적용", "applied a glossary"),
    "audit_glossary_delete": ("용어집 지움", "deleted a glossary"),
    # account
    "account": ("내 계정", "Your account"),
    "account_until": ("쓰지 않으면 만료되는 시각", "Ends, if it is not used, at"),
    "account_password": ("비밀번호 바꾸기", "Change your password"),
    "account_current": ("현재 비밀번호", "Current password"),
    "account_new": ("새 비밀번호 (여덟 글자 이상)", "New password (eight characters or more)"),
    "account_again": ("새 비밀번호 확인", "New password once more"),
    "account_other": ("새 비밀번호 둘이 서로 다릅니다.", "The two new passwords are not the same."),
    "account_changed": ("비밀번호를 바꾸었습니다.", "Your password is changed."),
    "account_ends": (
        "다른 곳에 열려 있는 로그인은 모두 끝나고, 이 브라우저에서는 이어집니다.",
        "All your other sessions end; this browser goes on.",
    ),
    "account_open": (
        "지금은 이 컴퓨터에서 누구나 쓸 수 있어 비밀번호가 없습니다.",
        "Nobody has to sign in on this machine, so there is no password.",
    ),
    "account_key": (
        "API 키로 로그인했습니다. 키에는 비밀번호가 없고, 관리자가 새로 만듭니다.",
        "You signed in with an API key. A key has no password; an administrator makes a new one.",
    ),
    # glossaries
    "gls_all": ("모든 용어집", "All glossaries"),
    "gls_name": ("새 용어집 이름", "Name of a new glossary"),
    "gls_name_why": ("빗금(/, \\) 없이", "Without a slash or a backslash"),
    "gls_new": ("만들기", "Make"),
    "gls_import": ("파일에서 가져오기", "Import a file"),
    "gls_entries": ("용어", "Entries"),
    "gls_state": ("판", "Revision"),
    "gls_author": ("저장한 사람", "Saved by"),
    "gls_empty": ("아직 용어집이 없습니다", "No glossaries yet"),
    "gls_empty_why": (
        "이름과 용어를 어떻게 적을지 정해 두면, 전사할 때 그대로 고쳐 적습니다. 새 용어집을 만들거나 YAML, CSV 파일을 가져오세요.",  # noqa: E501
        "A glossary says how names and terms are written, whatever was recognised. Make one by its name, or import a YAML or CSV file.",  # noqa: E501
    ),
    "gls_delete": ("「{name}」 지우기", "Delete {name}"),
    "gls_delete_sure": ("「{name}」 용어집을 지울까요?", "Delete the glossary “{name}”?"),
    "gls_delete_why": (
        "새 전사에 더는 쓰이지 않습니다. 이미 고쳐 적은 전사는 그대로 남습니다.",
        "New transcripts are not written by it any more. Those that were stay as they are.",
    ),
    "gls_find": ("용어집에서 찾기", "Find an entry"),
    "gls_written": ("표기", "Written"),
    "gls_spoken": ("들리는 말", "What is heard"),
    "gls_bar": ("여러 개는 | 로 구분합니다", "Put | between several"),
    "gls_add": ("용어 추가", "Add an entry"),
    "gls_count": ("용어 {count}개", "Entries: {count}"),
    "gls_of": ("용어 {count}개 중 {found}개", "{found} of {count} entries"),
    "gls_rest": ("세부 설정", "More of it"),
    "gls_remove": ("이 용어 빼기", "Remove this entry"),
    "gls_match": ("일치 방식", "Match"),
    "gls_match_auto": ("자동", "As the script asks for"),
    "gls_match_word": ("낱말 그대로", "Whole word"),
    "gls_match_morpheme": ("조사가 붙어도", "With Korean particles"),
    "gls_channels": ("채널 (| 로 구분)", "Channels (| between)"),
    "gls_all_channels": ("모든 채널", "All"),
    "gls_languages": ("언어 (| 로 구분)", "Languages (| between)"),
    "gls_all_languages": ("모든 언어", "All"),
    "gls_id": ("기록에 쓸 이름", "Name in the record"),
    "gls_id_made": ("자동", "Made of it"),
    "gls_case": ("대소문자 구별", "Case matters"),
    "gls_as_text": ("YAML로 적은 용어집", "The glossary as YAML"),
    "gls_view": ("보는 방법", "View"),
    "gls_table": ("표", "Table"),
    "gls_text": ("YAML", "YAML"),
    "gls_download": ("내려받기", "Download"),
    "gls_viewer": (
        "고쳐서 시험해 볼 수는 있지만, 저장은 편집자가 합니다.",
        "You may change and try it here; an editor may save it.",
    ),
    "gls_restored": (
        "저장하지 않은 내용을 되살렸습니다.",
        "What you had not saved is here again.",
    ),
    "gls_discard": ("버리기", "Discard it"),
    "gls_no_written": ("표기가 빠졌습니다.", "How is it to be written?"),
    "gls_no_spoken": ("들리는 말이 빠졌습니다.", "What is heard for it?"),
    "gls_none": ("용어가 하나도 없습니다.", "There is no entry in it."),
    "gls_row": ("{row}번째 줄", "row {row}"),
    "gls_saved": ("저장했습니다: {revision}판", "Saved as revision {revision}"),
    "gls_gone": (
        "그사이 누가 이 용어집을 지웠습니다. 저장하면 다시 생깁니다.",
        "Somebody has deleted it meanwhile. Saving makes it again.",
    ),
    "gls_removed": ("지움", "removed"),
    "gls_theirs": ("다른 사람이 고친 내용: {theirs}", "The other made it: {theirs}"),
    "gls_removed_mine": (
        "여기서 지운 용어를 다른 사람은 고쳤습니다: {theirs}",
        "You removed what the other has changed: {theirs}",
    ),
    "gls_together": (
        "둘을 합쳤습니다. 살펴보고 저장하세요.",
        "Both are together. Look at it and save.",
    ),
    "gls_imported": (
        "{name}에서 용어 {count}개를 가져왔습니다. 저장해야 남습니다.",
        "{count} entries came from {name}. They are not saved yet.",
    ),
    "gls_revision": ("{revision}판", "Revision {revision}"),
    "gls_new_one": ("새 용어집", "New glossary"),
    "gls_unsaved": ("저장하지 않음", "not saved"),
    "gls_offline": (
        "서비스에 연결할 수 없습니다. 적은 것은 그대로 있으니 다시 시도하세요.",
        "The service cannot be reached. What you wrote is kept; try again.",
    ),
    "gls_somebody": ("다른 사람", "Somebody else"),
    "gls_stale": (
        "그사이 저장된 판이 있습니다: {revision}판 · {who} · {at}. 적은 것은 그대로 있습니다.",
        "Meanwhile revision {revision} was saved: {who}, {at}. What you wrote is still here.",
    ),
    "gls_merge": ("둘 다 합치기", "Put both together"),
    "gls_take": ("상대 것으로", "Take theirs"),
    "gls_take_sure": ("여기 적은 것을 버릴까요?", "Drop what you wrote here?"),
    "gls_trial": ("저장된 전사에 시험해 보기", "Try on kept transcripts"),
    "gls_trial_why": (
        "무엇이 달라질지 보여 주기만 하고 고치지는 않습니다. 사람이 고친 대목은 건드리지 않습니다.",
        "Shows what would change, and changes nothing. What people have corrected is left alone.",
    ),
    "gls_names": ("녹음 이름", "Name of the recording"),
    "gls_since": ("이때부터", "From this time"),
    "gls_until": ("이때까지", "Until this time"),
    "gls_try": ("시험해 보기", "Try it"),
    "gls_on": ("녹음 {count}개", "Recordings: {count}"),
    "gls_on_first": ("가장 최근 녹음 {count}개", "The latest {count} recordings"),
    "gls_trying": ("시험하는 중", "Looking"),
    "gls_other_now": (
        "시험한 뒤에 내용이 바뀌었습니다.",
        "It was changed since it was tried.",
    ),
    "gls_would": (
        "전사 {all}개 중 {transcripts}개에서 발화 {utterances}개가 달라집니다.",
        "{utterances} utterances in {transcripts} of {all} transcripts would change.",
    ),
    "gls_would_not": (
        "전사 {all}개에서 달라질 것이 없습니다.",
        "Nothing would change in {all} transcripts.",
    ),
    "gls_left": (
        "사람이 고친 발화 {count}개는 그대로 둡니다.",
        "{count} that people have corrected are left alone.",
    ),
    "gls_shown": ("발화 {all}개 중 {count}개", "{count} of {all}"),
    "gls_apply": ("적용하기", "Apply"),
    "gls_save_apply": ("저장하고 적용하기", "Save and apply"),
    "gls_job": ("작업 보기", "See the job"),
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
