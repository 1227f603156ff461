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
