"""The call's own questions: each is a declared field, made from its row, and is answered in values JSON knows."""

from collections.abc import Iterable, Iterator, Mapping

from grants.applications.parts.fields import (
    Amount,
    Content,
    Day,
    Field,
    Json,
    JsonObject,
    LongText,
    OneOf,
    Several,
    ShortText,
    UploadField,
    Whole,
)
from grants.applications.parts.part import Missing
from grants.calls.models import Question, QuestionKind
from grants.kernel.words import _, in_words_of

QUESTIONS = "questions-"  # what precedes the code of a section of the call in the address of its page


def field_of(question: Question, communes: Mapping[str, str]) -> Field:
    """The field that a question is, in the reader's language; `communes` are those one may answer, by INSEE code."""
    name, label = f"q_{question.id}", in_words_of(question, "label")
    match question.kind:
        case QuestionKind.SHORT:
            return ShortText(name, label, limit=question.max_length or 200)
        case QuestionKind.LONG:
            return LongText(name, label, limit=question.max_length or 4000)
        case QuestionKind.CHOICE:
            return OneOf(name, label, labels_of(question.choices))
        case QuestionKind.CHOICES:
            return Several(name, label, labels_of(question.choices))
        case QuestionKind.NUMBER:
            return Whole(name, label, minimum=question.minimum or 0)
        case QuestionKind.MONEY:
            return Amount(name, label)
        case QuestionKind.DATE:
            return Day(name, label)
        case QuestionKind.COMMUNES:
            return Several(name, label, communes)
        case QuestionKind.FILE:
            return UploadField(name, label)


def labels_of(choices: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The choices of a question or of a statement, by code, in the reader's language."""
    return {choice["code"]: in_words_of(type("Choice", (), dict(choice)), "label") for choice in choices}


def answer_details(question: Question, value: Json, communes: Mapping[str, str]) -> JsonObject:
    """What frozen content says beside the value of an answer, by its kind: labels, amount, day, names."""
    match question.kind:
        case QuestionKind.CHOICE | QuestionKind.CHOICES:
            codes = value if isinstance(value, list) else [value]
            choices: list[JsonObject] = question.choices
            return {"chosen": [choice for choice in choices if choice["code"] in codes]}
        case QuestionKind.MONEY:
            return {"amount_cents": value}
        case QuestionKind.DATE:
            return {"day_on": value}
        case QuestionKind.COMMUNES:
            codes = value if isinstance(value, list) else []
            return {"communes": [{"insee": insee, "name": communes.get(insee, insee)} for insee in map(str, codes)]}
        case _:
            return {}


def is_empty(value: object) -> bool:
    """Whether a question has no answer; zero is one."""
    return value is None or value in ("", [])


def is_asked(condition: Mapping[str, str] | None, answers: Mapping[str, object]) -> bool:
    """Whether a question is asked, given the answers by question code."""
    return condition is None or answers.get(condition["question"]) == condition["equals"]


def missing_answers(content: Content) -> Iterator[Missing]:
    """The questions that are asked, want an answer and have none."""
    for section in content["sections"]:
        for question in section["questions"]:
            if question["required"] and question["asked"] and is_empty(question["value"]):
                message = _("Répondez à la question « %(question)s ».", question=in_words_of(question, "label"))
                yield Missing(f"{QUESTIONS}{section['code']}", question["code"], message)


def begun_sections(content: Content) -> set[str]:
    """The pages of questions where somebody answered."""
    return {
        f"{QUESTIONS}{section['code']}"
        for section in content["sections"]
        if any(not is_empty(question["value"]) for question in section["questions"])
    }
