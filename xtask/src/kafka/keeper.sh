# Usage: keeper.sh RUN_DIRECTORY LOG_NAME COMMAND...
# Runs the command until standard input closes, then kills it and removes the run directory.
# xtask holds the other end of that input, so the command ends however xtask ends.

# Ctrl-C reaches the whole process group: this shell must outlive it to clean up.
trap '' HUP INT TERM

run=$1
log=$1/$2
shift 2
"$@" </dev/null >"$log" 2>&1 &
node=$!

exec 3<&0
{
    cat <&3 >/dev/null
    # $$ is the outer shell: once it is gone the node is too, and its number may be another's.
    if kill -0 $$; then
        touch "$run/ending"
        # Nothing of the node is kept, so nothing is won by asking it to end in good order.
        kill -9 "$node"
    fi
} 2>/dev/null &
exec 3<&-

# The shell's own word about the kill is not of interest.
wait "$node" 2>/dev/null
status=$?
# Without the mark the node ended by itself, and its log is wanted.
if [ -e "$run/ending" ]; then
    rm -rf "$run"
fi
exit "$status"
