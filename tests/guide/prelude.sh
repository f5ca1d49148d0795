# What the directives of docs/guide.md and of tests/guide/published.md may call. Every shell of a page reads this first.

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
