"""Makes core/src/seal/projects-2.dict, the second dictionary with which small records are packed.

It is trained on projects that are made up here: from sentences as people write them into descriptions and tasks, from the patterns
of such sentences with a vocabulary of some two thousand words, and from the commands of several worlds of tools. A dictionary is part of the format: once records were sealed with one, it never changes, and
another one gets another packing. Run it by hand, with the packages of requirements.txt; the same Python and zstandard write the
same bytes.
"""

import json
import random
import re
from pathlib import Path

import zstandard

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "core/src/seal/projects-2.dict"
SIZE = 32 * 1024
PATTERNED = 0.8  # of the sentences

COMMON, TIMES, ADJECTIVES, VERBS, NOUNS, NAMES = (part.split() for part in (HERE / "words.txt").read_text().split("\n\n"))
KINDS = {"a": ADJECTIVES, "v": VERBS, "n": NOUNS, "x": NAMES, "t": TIMES, "c": COMMON}
# What people write again and again, with another word of its kind in each place.
PATTERNS = """
{v} the {n} of the {n}
{v} {n} and {n}
{v} the {a} {n} before the {n} is {v}
{v} a {a} {n} for each {n}
{v} all {n} that are not {v} by the {n}
{v} {n} to {n} and {v} the {n}
{v} {n} with {x}, because the {n} is {a}
{v} the {n} when the {n} has {v}
{v} {n} {n} from {n} in the {n}
{v} it with a {a} {n} and the {a} {n} of {x}
the {n} {n} is {a} and the {n} should be {v} in the {n}
the {n} can be {v} after the {n} was {v}
the {a} {n} must not {v} the {n}, {c} it is {a}
{n} and {n} are {v} at the same {t}, {c} the {n}
it {v} the {n} from the {n} to the {n}
a {n} of {n} that {v} {n} for {a} {n}
no {n} without {n}, no {n} that is {v}
if the {n} is {a}, {v} the {n} and {v} again
which {n} has {v} this {n} and how many {n} were {v}
we {v} the {n} every {t} and {v} it on {n}
as {n} we can {v} {n} but not {n} or {n}
this {n} will be {v} by {n} until the {n} is {a}
an {a} {n} in {n}, on {n} and at {n}
when {c} {n} which {n} to {v} with {n}
{c} {v} {n} {c} {c} {n}
{c} {n} {c} {a} {n} {c} {v}
{n}: {v} {n} {n}, {v} {a} {n}
{n} {n} {v} {c} {n}
fix: {a} {n} in {n}
feat({n}): {v} {n} {n}
{x} and {x} {n} with {a} {n}
""".strip().split("\n")
SENTENCES = (HERE / "sentences.txt").read_text().split("\n")[:-1]
STACKS = [
    ("npm install", "npm run dev", "rm -rf node_modules dist"),
    ("npm ci", "npm run dev -- --port {port}", "npm run clean"),
    ("npm ci && npm run build", "npm start", "rm -rf node_modules"),
    ("pnpm install", "pnpm dev --port {port}", "pnpm clean"),
    ("pnpm install --frozen-lockfile", "pnpm run dev", "rm -rf node_modules .next"),
    ("yarn install", "yarn dev", "yarn clean"),
    ("bun install", "bun run dev", "rm -rf node_modules"),
    ("cargo build", "cargo run", "cargo clean"),
    ("cargo fetch", "cargo watch -x run", "cargo clean"),
    ("python -m venv .venv && .venv/bin/pip install -r requirements.txt", "python manage.py runserver {port}", "rm -rf .venv"),
    ("uv sync", "uv run uvicorn app.main:app --reload --port {port}", "rm -rf .venv __pycache__"),
    ("poetry install", "poetry run flask run --port {port}", "rm -rf .venv"),
    ("go mod download", "go run ./cmd/server", "go clean"),
    ("bundle install", "bin/rails server -p {port}", "bin/rails tmp:clear"),
    ("composer install", "php artisan serve --port={port}", "rm -rf vendor"),
    ("docker compose pull", "docker compose up --build", "docker compose down -v"),
    ("make setup", "make dev", "make clean"),
    ("./gradlew assemble", "./gradlew bootRun", "./gradlew clean"),
    ("mvn install -DskipTests", "mvn spring-boot:run", "mvn clean"),
    ("flutter pub get", "flutter run", "flutter clean"),
]
TAGS = "api app backend blog bot cli client data design docs experiment frontend game go home infra internal ios java library ml mobile \
open-source ops personal php prototype python react research rust server shop site svelte tool typescript vue web work".split()
PEOPLE = "alex alice anna ben carla chris dana dev emma felix jane jan john julia kim lea lukas maria max me mia noah nora paul sam tom user".split()
ROOTS = ["/home/{who}/code/{name}", "/home/{who}/projects/{name}", "/Users/{who}/Projects/{name}", "/Users/{who}/dev/{name}",
         "/home/{who}/src/{name}", "/Users/{who}/code/{name}", "/home/{who}/{name}", "/srv/{name}", "/workspace/{name}"]
HOSTS = ["https://github.com/{who}/{name}.git", "https://github.com/{who}/{name}", "git@github.com:{who}/{name}.git", "https://gitlab.com/{who}/{name}.git"]
SERVERS = ["context7", "playwright", "github", "filesystem", "postgres", "sequential-thinking"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def maybe(self, chance):
        return self.random.random() < chance

    def time(self):
        r = self.random
        day = f"202{r.randint(4, 7)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"
        return f"{day}T{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}.{r.choice(['000', str(r.randint(100, 999))])}Z"

    def text(self, low, high):
        """Sentences: whole, with the beginning of one and the end of another, or after a pattern."""
        parts = []
        for _ in range(self.random.randint(low, high)):
            one, other = self.random.sample(SENTENCES, 2)
            if self.maybe(0.5):
                one, other = one.split(), other.split()
                one = " ".join(one[: self.random.randint(2, len(one))] + other[self.random.randint(1, len(other)) - 1 :])
            parts.append(self.pattern() if self.maybe(PATTERNED) else one)
        return self.random.choice([" ", " ", "\n", "\n- "]).join(parts)

    def pattern(self):
        """Common words of a kind come first in its list, and are taken more often."""
        def word(kind):
            words = KINDS[kind[1]]
            return words[int(len(words) * self.random.random() ** 1.5)]

        text = re.sub(r"\{[a-z]\}", lambda found: word(found[0]), self.random.choice(PATTERNS))
        return text[0].upper() + text[1:] + "." if self.maybe(0.4) else text

    def title(self):
        if self.maybe(PATTERNED):
            return self.pattern()
        words = self.random.choice(SENTENCES).rstrip(".").split()
        return " ".join(words[: self.random.randint(3, 8)])

    def task(self, number, depth=0):
        r = self.random
        task = {"id": number, "title": self.title()}
        if self.maybe(0.8):
            task["description"] = self.text(1, 2)
        if self.maybe(0.15):
            task["details"] = self.text(1, 3)
        if self.maybe(0.15):
            task["testStrategy"] = self.text(1, 1)
        if self.maybe(0.8):
            task["priority"] = r.choice(["low", "medium", "high"])
        task["status"] = r.choice(["pending", "pending", "in-progress", "review", "done", "done", "deferred", "cancelled"])
        if self.maybe(0.3):
            task["dependencies"] = sorted(r.sample(range(1, 9), r.randint(1, 2)))
        if depth == 0 and self.maybe(0.2):
            task["subtasks"] = [self.task(n, 1) for n in range(1, r.randint(2, 4))]
        if self.maybe(0.3):
            task["createdAt"] = self.time()
            task["updatedAt"] = self.time()
        return task

    def project(self):
        r = self.random
        name = "-".join(r.sample(NOUNS + VERBS, r.randint(1, 3))) + (str(r.randint(1, 999)) if self.maybe(0.2) else "")
        who, port = r.choice(PEOPLE), r.choice([3000, 3001, 4000, 5000, 5173, 8000, 8080, r.randint(3000, 9000)])
        setup, dev, cleanup = (part.format(port=port) for part in r.choice(STACKS))
        project = {
            "id": "".join(r.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", k=8)),
            "name": name,
            "projectRoot": r.choice(ROOTS).format(who=who, name=name),
        }
        optional = {
            "description": (0.9, self.text(1, 5)),
            "status": (1, r.choice(["planning", "building", "building", "review", "launched", "on-hold", "archived"])),
            "priority": (1, r.choice(["low", "medium", "high"])),
            "rank": (0.8, r.randint(0, 1000)),
            "setupScript": (0.8, setup),
            "devScript": (0.8, dev),
            "cleanupScript": (0.6, cleanup),
            "taskSource": (0.8, r.choice(["manual", "manual", "taskmaster"])),
            "tags": (0.7, r.sample(TAGS, r.randint(1, 4))),
            "manualTasks": (0.8, [self.task(n) for n in range(1, r.randint(2, 9))]),
            "mcpServers": (0.5, {server: self.maybe(0.7) for server in r.sample(SERVERS, r.randint(1, 3))}),
            "gitRepository": (0.8, {"owner": who, "repo": name, "url": r.choice(HOSTS).format(who=who, name=name), "branch": r.choice(["main", "main", "master", "develop"])}),
            "createdAt": (1, self.time()),
            "updatedAt": (1, self.time()),
        }
        project |= {field: value for field, (chance, value) in optional.items() if self.maybe(chance)}
        return json.dumps(project, separators=(",", ":"), ensure_ascii=False).encode()


def main():
    maker = Maker(1)
    samples = [maker.project() for _ in range(6000)]
    trained = zstandard.train_dictionary(SIZE, samples, k=64, d=6, dict_id=2, level=6)
    TARGET.write_bytes(trained.as_bytes())


if __name__ == "__main__":
    main()
