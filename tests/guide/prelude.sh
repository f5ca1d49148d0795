# What the directives of docs/guide.md and of tests/guide/published.md may call. Every shell of a page reads this first.

# A pipe fails with the command in it that fails, so that a mistyped `orkee` before a `|` is noticed.
set -o pipefail

# The project that a machine has at first.
with_shop() {
  printf '%s' '{"version":1,"projects":[{"id":"3f9Kx2Qa","name":"shop","projectRoot":"'"$HOME"'/code/shop","description":"Sells things.","status":"building","tags":["web","rust"]}]}' |
    orkee projects import - >/dev/null
}

# Runs a command on the other device of the same person.
other() {
  (cd "$OTHER" && HOME="$OTHER" "$@")
}

# Signs both devices in and brings them to the same.
in_step() {
  orkee cloud login && orkee cloud sync --local-wins && other orkee cloud login &&
    other orkee cloud restore --cloud-wins --yes
}

# Leaves a conflict: both devices give the project another description. After this, both are signed in.
with_conflict() {
  in_step && other orkee projects edit shop --description "Sells things. $RANDOM" && other orkee cloud sync &&
    orkee projects edit shop --description "Sells other things. $RANDOM"
}

# Leaves a conflict about two fields on this device, which knows of it.
in_conflict() {
  orkee projects edit shop --status building && in_step && other orkee projects edit shop --description "Sells. $RANDOM" --status launched && other orkee cloud sync &&
    orkee projects edit shop --description "Sells other things. $RANDOM" --status review || return
  orkee cloud sync
  test $? = 5
}

# The database of an earlier Orkee.
older_database() {
  mkdir -p old && python3 - <<'END'
import sqlite3
database = sqlite3.connect("old/orkee.db")
database.execute("CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT)")
database.execute("INSERT INTO projects VALUES ('6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'Boat', 'active')")
database.commit()
END
}

# A delivery as its receiver has it: hook.secret, headers.txt, body; and its parts in variables.
delivery() {
  local hook
  hook=$(orkee cloud webhook add https://example.com/hook --secret-file hook.secret --json | jq -r .webhook.id) &&
    orkee cloud webhook test "$hook" && received 'POST /hook' orkee.test || return
  cp "$RECEIVED.headers" headers.txt
  cp "$RECEIVED.body" body
  header() { grep "^$1: " headers.txt | cut -d' ' -f2-; }
  ID=$(header webhook-id) TIMESTAMP=$(header webhook-timestamp) SIGNATURE=$(header webhook-signature)
}

# Runs the command of a file on a terminal, and types a line of another file whenever what it printed, into a third, ends with a question.
at_terminal() {
  rm -f "$3.ended"
  type_lines "$2" "$3" | {
    script -qec "set -o pipefail; stty cols 80; . $1" /dev/null
    local code=$?
    touch "$3.ended"
    exit $code
  }
}

type_lines() {
  local line size
  while IFS= read -r line; do
    until [ -s "$2" ] && [ -n "$(tail -c 1 "$2")" ] && [ "$size" = "$(stat -c %s "$2")" ]; do
      [ -e "$2.ended" ] && return
      size=$(stat -c %s "$2")
      sleep 0.1
    done
    printf '%s\n' "$line"
    size=
    sleep 0.1
  done < "$1"
  until [ -e "$2.ended" ]; do sleep 0.05; done
}

# Waits for a request like this that a receiver of webhooks got, with this event, and prints its body.
received() {
  local line
  for _ in $(seq 300); do
    line=$(grep -e "^$1 .*\"event\":\"$2\"" "$RECEIVED" | tail -n 1)
    [ -n "$line" ] && break
    sleep 0.1
  done
  printf '%s\n' "${line#* * }"
}

# Runs the text of a block in zsh, as somebody has it whose ~/.zshrc begins with compinit, and looks whether words are completed after it.
in_zsh() {
  zsh -fc 'autoload -Uz compinit && compinit -u -D
'"$1"'
(( $+_comps[orkee] ))'
}

# The same in fish.
in_fish() {
  fish --no-config -c "$1"'
complete --command orkee | string match --quiet --entire orkee'
}

# `orkee cloud watch`, in the foreground: while it runs, something is changed here, two projects are added on the other device, and it gets Ctrl-C once it has them.
watched() {
  change_meanwhile &
  orkee cloud watch
}

change_meanwhile() {
  local pid
  standing '.automatic.watched' && pid=$(orkee cloud status --offline --json | jq .automatic.watcher) || return
  orkee projects edit shop --add-tag watched >/dev/null && standing '.projects.waiting == 0'
  printf '%s' '{"version":1,"projects":[{"id":"Ab3dEf9h","name":"boat"},{"id":"Cd4eFg0i","name":"site"}]}' |
    other orkee projects import - >/dev/null && other orkee cloud sync >/dev/null
  standing '.projects.in_step == 3'
  sleep 0.5
  kill -INT "$pid"
}

# Waits until this device's standing is this.
standing() {
  for _ in $(seq 150); do
    orkee cloud status --offline --json | jq -e "$1" >/dev/null && return
    sleep 0.1
  done
}
