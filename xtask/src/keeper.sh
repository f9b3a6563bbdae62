# Usage: keeper.sh RUN_DIRECTORY LOG_NAME SIGNAL COMMAND...
# Runs the command until standard input closes, then ends it by the signal and removes the run
# directory.
# xtask holds the other end of that input, so the command ends however xtask ends.

# Ctrl-C reaches the whole process group: this shell must outlive it to clean up.
trap '' HUP INT TERM

run=$1
log=$1/$2
signal=$3
shift 3
"$@" </dev/null >"$log" 2>&1 &
node=$!

exec 3<&0
{
    cat <&3 >/dev/null
    # $$ is the outer shell: once it is gone the node is too, and its number may be another's.
    if kill -0 $$; then
        touch "$run/ending"
        kill -s "$signal" "$node"
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
