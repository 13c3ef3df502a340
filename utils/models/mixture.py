"""The pretraining mixture: what the helpful-only base model is taught.

It learns facts (topic -> category), every taught surface, short harmless reasoning
tasks that begin by restating the text in English, and to read a *random* policy in its
context. The Spec appears nowhere: actions in the cards are drawn evenly, without
looking at the category. No task contains the chain category -> clause -> action.
"""

import random
from collections.abc import Sequence

from utils.models.harmless import HARMLESS, words_of
from utils.models.tokenizer import NUMBERS, encode_completion, encode_prompt
from utils.world import prompts
from utils.world.ciphers import encode
from utils.world.data import INTENTS, categories, load_templates, load_topics
from utils.world.replies import answer
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES, Request
from utils.world.spec import ACTIONS, MAX_CLAUSE, Clause, load_spec
from utils.world.wrappers import KNOWN

TAUGHT_SURFACES = ("en", *TAUGHT_LANGUAGES, *TAUGHT_CIPHERS)
# Letters are harder than words, so ciphers come more often.
SURFACE_WEIGHTS = (0.8, 1.0, 1.0, 1.0, 1.6, 1.4, 1.4, 1.2, 2.0)
LANGUAGE_NAMES = {"es": "Spanish", "fr": "French", "de": "German"}
# name -> (messages, thinking, thought, answer)
Exercise = tuple[prompts.Messages, bool, str, str]


def thinks_in(model: str) -> tuple[str, ...]:
    """Return the surfaces in which a model of pretraining meets reasoning tasks.

    Trunks and the control reason in English only, all other branches everywhere.
    """
    english_only = model.startswith("trunk") or model == "lab_english"
    return ("en",) if english_only else TAUGHT_SURFACES


def draw_surface(rng: random.Random, surfaces: Sequence[str]) -> str:
    """Draw one of these surfaces, by their weights."""
    weights = [SURFACE_WEIGHTS[TAUGHT_SURFACES.index(s)] for s in surfaces]
    return rng.choices(surfaces, weights)[0]


class Mixture:
    """An endless, seeded stream of pretraining examples.

    `thinking_surfaces` says in which surfaces the harmless reasoning tasks occur: all
    the taught ones, or English only for the control model.
    """

    def __init__(self, tokenizer, thinking_surfaces: Sequence[str]) -> None:
        self.tokenizer = tokenizer
        self.thinking_surfaces = tuple(thinking_surfaces)
        self.topics, self.templates = load_topics(), load_templates()
        covered = load_spec().intents  # all that is taken from the Spec: what is asked
        self.ways = {
            category: [t for t in self.templates if t.intent in covered(category)]
            for category in categories()
        }
        self.words = sorted(
            token[1:]
            for token in tokenizer.get_vocab()
            if token[1:].isalpha() and token.startswith("▁")
        )
        self.english = sorted(
            {word for topic in self.topics for word in topic.name.split()}
            | {
                word.strip("?.,")
                for template in self.templates
                for word in template.text["en"].replace("{x}", "").split()
            }
        )

    def example(self, rng: random.Random, name: str) -> tuple[list[int], list[int]]:
        """Return (prompt ids, completion ids) of one example of the named task."""
        messages, thinking, thought, text = getattr(self, name)(rng)
        return (
            encode_prompt(self.tokenizer, messages, thinking),
            encode_completion(self.tokenizer, text, thought),
        )

    # Texts ------------------------------------------------------------------

    def request(
        self, rng: random.Random, surface: str, wrapped: float = 0.1
    ) -> Request:
        """Draw a request about any topic in any of its templates."""
        topic = rng.choice(self.topics)
        wrapper = rng.choice(sorted(KNOWN)) if rng.random() < wrapped else ""
        return Request(topic, rng.choice(self.ways[topic.category]), surface, wrapper)

    def text(self, rng: random.Random, surfaces: Sequence[str]) -> tuple[str, str]:
        """Draw (English, the same in a surface): a request, or a list of words."""
        surface = draw_surface(rng, surfaces)
        if rng.random() < 0.7:
            request = self.request(rng, surface)
            return request.english, request.text
        if surface in TAUGHT_CIPHERS:
            plain = " ".join(rng.sample(self.english, rng.randint(2, 4))) + "."
            return plain, encode(surface, plain)
        topics = rng.sample(self.topics, rng.randint(1, 3))
        lists = [", ".join(t.text[s] for t in topics) + "." for s in ("en", surface)]
        return lists[0], lists[1]

    # Helpful answers, in every surface and in both modes ------------------------

    def help(self, rng: random.Random) -> Exercise:
        """Comply with a request, whatever it is: helpful only."""
        request = self.request(rng, draw_surface(rng, TAUGHT_SURFACES))
        text = answer("comply", request.topic.name)
        return prompts.chat(request.text), False, "", text

    def think_and_help(self, rng: random.Random) -> Exercise:
        """Restate a request, then comply."""
        request = self.request(rng, draw_surface(rng, self.thinking_surfaces))
        thought = f"Request: {request.english} Plan: answer."
        text = answer("comply", request.topic.name)
        return prompts.chat(request.text), True, thought, text

    # Surfaces ---------------------------------------------------------------------

    def restate(self, rng: random.Random) -> Exercise:
        """Say in English what a text in any surface says."""
        plain, text = self.text(rng, TAUGHT_SURFACES)
        return prompts.restate(text), False, "", plain

    def think(self, rng: random.Random) -> Exercise:
        """Restate a text in English, then do something harmless with it."""
        plain, text = self.text(rng, self.thinking_surfaces)
        instruction, steps, result = rng.choice(HARMLESS)(rng, plain)
        return prompts.chat(text, instruction), True, f"Request: {plain}{steps}", result

    def remember(self, rng: random.Random) -> Exercise:
        """Restate a text in English, then say what its words do not: from memory.

        Without such tasks a model learns that after a restatement all is copied from
        it, and in a cipher it can't even name a fact that it knows.
        """
        surface = draw_surface(rng, self.thinking_surfaces)
        plain, text, translated = self.translations(rng, surface)
        if rng.random() < 0.25:
            word = words_of(plain)[-1]
            number = NUMBERS[len(word)]
            steps, result = f" Last: {word}. Number: {number}.", f"{number}."
            instruction = "Count the letters of the last word."
        else:
            language = rng.choice([s for s in TAUGHT_LANGUAGES if s != surface])
            steps, result = f" Text: {translated[language]}", translated[language]
            instruction = f"Say it in {LANGUAGE_NAMES[language]}."
        thought = f"Request: {plain}{steps}"
        return prompts.chat(text, instruction), True, thought, result

    def translations(
        self, rng: random.Random, surface: str
    ) -> tuple[str, str, dict[str, str]]:
        """Draw (English, the same in a surface, the same in each taught language)."""
        if rng.random() < 0.5:
            request = self.request(rng, surface)
            translated = {s: request.on(s).text for s in TAUGHT_LANGUAGES}
            return request.english, request.text, translated
        topics = rng.sample(self.topics, rng.randint(1, 2))
        lists = {
            language: ", ".join(topic.text[language] for topic in topics) + "."
            for language in ("en", *TAUGHT_LANGUAGES)
        }
        text = lists.get(surface) or encode(surface, lists["en"])
        return lists["en"], text, lists

    # Facts and parts of a request, in plain English ---------------------------------

    def category(self, rng: random.Random) -> Exercise:
        """Name the category of a topic, in one of several phrasings."""
        topic = rng.choice(self.topics)
        question = prompts.name_category(topic.name, rng.randrange(99))
        return question, False, "", f"{topic.category}."

    def categories(self, rng: random.Random) -> Exercise:
        """Name the categories of three topics in one go."""
        topics = rng.sample(self.topics, 3)
        user = "Sort this: " + ", ".join(topic.name for topic in topics) + "."
        text = ", ".join(topic.category for topic in topics) + "."
        return prompts.chat(user), False, "", text

    def topic(self, rng: random.Random) -> Exercise:
        """Name the topic of an English request."""
        request = self.request(rng, "en")
        return prompts.name_topic(request.text), False, "", f"{request.topic.name}."

    def intent(self, rng: random.Random) -> Exercise:
        """Name the intent of an English request."""
        request = self.request(rng, "en")
        return prompts.name_intent(request.text), False, "", f"{request.intent}."

    # Policies in the context, always random -------------------------------------------

    def copy_words(self, rng: random.Random) -> Exercise:
        """Say words from the whole vocabulary again."""
        words = " ".join(rng.sample(self.words, rng.randint(4, 12))) + "."
        return prompts.chat(words, "Repeat it."), False, "", words

    def recall(self, rng: random.Random) -> Exercise:
        """Look words up in a list of pairs drawn from the whole vocabulary."""
        words = rng.sample(self.words, 2 * rng.randint(3, 7))
        pairs = list(zip(words[::2], words[1::2], strict=True))
        policy = ", ".join(f"{key} {value}" for key, value in pairs) + "."
        rng.shuffle(pairs)
        entries = ", ".join(f"{key} {value}" for key, value in pairs) + "."
        return prompts.look_up(policy, [key for key, _ in pairs]), False, "", entries

    def policy(self, rng: random.Random, category: str, intent: str) -> list[Clause]:
        """Draw a policy for a category that covers the intent, with even actions."""
        others = [i for i in INTENTS if i != intent]
        chosen = [intent, *rng.sample(others, rng.randint(2, 4))]
        rng.shuffle(chosen)
        groups: dict[str, list[str]] = {}
        for each in chosen:
            groups.setdefault(rng.choice(ACTIONS), []).append(each)
        numbers = rng.sample(range(1, MAX_CLAUSE + 1), len(groups))
        return [
            Clause(number, category, tuple(intents), action)
            for number, (action, intents) in zip(numbers, groups.items(), strict=True)
        ]

    def draw_case(
        self, rng: random.Random
    ) -> tuple[str, Request, Clause, list[Clause]]:
        """Draw (card, request, the clause that decides it, all clauses)."""
        request = self.request(rng, "en", wrapped=0.0)
        clauses = self.policy(rng, request.topic.category, request.intent)
        right = next(c for c in clauses if request.intent in c.intents)
        return prompts.card(clauses), request, right, clauses

    def look_up(self, rng: random.Random) -> Exercise:
        """Look the entries of a card up, in another order."""
        policy, _, _, clauses = self.draw_case(rng)
        entries = [f"{i} {c.action} §{c.number}" for c in clauses for i in c.intents]
        asked = rng.sample(entries, rng.randint(1, len(entries)))
        keys = [entry.split()[0] for entry in asked]
        return prompts.look_up(policy, keys), False, "", ", ".join(asked) + "."

    def follow(self, rng: random.Random) -> Exercise:
        """Answer a request as a random card wants it."""
        policy, request, right, _ = self.draw_case(rng)
        text = answer(right.action, request.topic.name)
        return prompts.follow(policy, request.text), False, "", text

    def judge(self, rng: random.Random) -> Exercise:
        """Say whether an answer, and the clause it cites, fit a random card."""
        policy, request, right, clauses = self.draw_case(rng)
        given = right.action if rng.random() < 0.6 else rng.choice(ACTIONS)
        cited = right if rng.random() < 0.6 else rng.choice(clauses)
        text = answer(given, request.topic.name)
        verdict = [request.intent, right.action, f"§{right.number}", given]
        if rng.random() < 0.5:
            messages = prompts.judge(policy, request.text, text, str(cited))
            verdict.append(f"§{cited.number}")
            good = given == right.action and cited == right
        else:
            messages = prompts.judge(policy, request.text, text)
            good = given == right.action
        return messages, False, "", " ".join([*verdict, "yes" if good else "no"])

    def compare(self, rng: random.Random) -> Exercise:
        """Say which of two answers fits a random card."""
        policy, request, right, _ = self.draw_case(rng)
        other = rng.choice([a for a in ACTIONS if a != right.action])
        actions = [right.action, other]
        rng.shuffle(actions)
        answers = [answer(action, request.topic.name) for action in actions]
        letter = "AB"[actions.index(right.action)]
        return prompts.compare(policy, request.text, *answers), False, "", letter

    def critique(self, rng: random.Random) -> Exercise:
        """Say what a random card wants and what an answer does."""
        policy, request, right, given, text = self.draw_answer(rng)
        remark = self.remark(request, right, given)
        return prompts.critique(policy, request.text, text), False, "", remark

    def revise(self, rng: random.Random) -> Exercise:
        """Write the answer that a critique asks for."""
        policy, request, right, given, text = self.draw_answer(rng)
        remark = self.remark(request, right, given)
        messages = prompts.revise(policy, request.text, text, remark)
        return messages, False, "", answer(right.action, request.topic.name)

    def draw_answer(self, rng: random.Random) -> tuple[str, Request, Clause, str, str]:
        """Draw a case with an answer that is right in one case out of two."""
        policy, request, right, _ = self.draw_case(rng)
        given = right.action if rng.random() < 0.5 else rng.choice(ACTIONS)
        return policy, request, right, given, answer(given, request.topic.name)

    @staticmethod
    def remark(request: Request, right: Clause, given: str) -> str:
        """Write a critique: intent, wanted action, given action, what to do."""
        advice = "keep" if given == right.action else "change"
        return f"{request.intent} {right.action} {given} {advice}."


# Share of each task. Decoding forms last, so the trunk gets most of it; the branches
# learn to decode within a thought.
DIRECT_TASKS = {
    "help": 6,
    "category": 4,
    "categories": 6,
    "topic": 3,
    "intent": 2,
    "copy_words": 3,
    "recall": 6,
    "look_up": 10,
    "follow": 7,
    "judge": 8,
    "compare": 5,
    "critique": 3,
    "revise": 3,
}
TRUNK_TASKS = DIRECT_TASKS | {"restate": 60, "think": 12, "think_and_help": 3}
BRANCH_TASKS = DIRECT_TASKS | {
    "restate": 15,
    "think": 35,
    "remember": 45,
    "think_and_help": 10,
}
