/** Many callers at once: each message is run once, each reply reaches its asker, each reader is woken. */

import test from 'ava';
import { fuseTest, needs } from '../support/need.ts';
import { until } from '../support/until.ts';
import { holds, ok, over, shareDaemon, turns } from './shared.ts';

const daemon = shareDaemon({
  mock: [
    { match: '^hold', delay_ms: 60_000, text: 'never said' },
    { match: '^say ', delay_ms: 300, text: 'the answer' },
    // A pause before the first word, as with any model: the stream is empty then, which tail notices.
    ...[1, 2, 3].map(n => ({ match: `^follow ${n}`, delay_ms: 600, text: `the end of ${n}` })),
    { text: 'done' },
  ],
});

fuseTest(
  'of 200 messages from 20 shells the queue takes what it holds, refuses the rest, and runs each once',
  async t => {
    await ok(daemon(), 'echo hold > "$AOS_MOUNT"/agents/researcher/inbox');
    await holds(daemon(), 'agents/researcher/status', 'running');
    const said = await ok(
      daemon(),
      `cd "$AOS_MOUNT"/agents/researcher
     one() { if echo "m $1" 2>/dev/null > inbox; then echo "taken $1"; else echo "refused $1"; fi; }
     for shell in $(seq 1 20); do
       (for n in $(seq 1 10); do one $shell.$n; done) &
     done 2>/dev/null; wait`,
    );
    const of = (word: string) =>
      said.split('\n').flatMap(line => (line.startsWith(word) ? [line.slice(word.length + 1)] : []));
    const taken = of('taken').map(name => `m ${name}`);
    t.is(taken.length, 100);
    t.is(of('refused').length, 100);

    const verb = await daemon().aos('invoke', 'researcher', 'one too many', '--json');
    t.is(verb.code, 67);
    t.is(JSON.parse(verb.stdout).error.errno, 'EAGAIN');
    const shell = await daemon().sh('echo one too many > "$AOS_MOUNT"/agents/researcher/inbox');
    t.regex(shell.stderr, /Resource temporarily unavailable/);

    const [hold] = JSON.parse(await ok(daemon(), 'aos ps --json'));
    await ok(daemon(), `echo kill > "$AOS_MOUNT"/procs/${hold.pid}/ctl; aos wait researcher > /dev/null`);
    const found = (await turns(daemon())).filter(turn => turn.prompt.startsWith('m '));
    t.deepEqual(found.map(turn => turn.prompt).sort(), taken.sort());
    t.true(found.every(turn => turn.outcome === 'completed'));
  },
);

fuseTest('whoever asks a call gets the reply to its own request', async t => {
  await ok(daemon(), 'cd "$AOS_MOUNT"/memory; for n in 1 2 3 4 5 6 7 8; do echo "the text of $n" > n$n; done');
  const said = await ok(
    daemon(),
    `ask() { exec 3<>"$AOS_MOUNT"/tools/read/call; printf '{"path":"/aos/memory/n%s"}' $1 >&3; sh -c : ; cat <&3 | grep -c "the text of $1"; exec 3>&-; }
     for round in 1 2 3; do for n in 1 2 3 4 5 6 7 8; do (ask $n) & done; wait; done`,
  );
  t.is(said, '1\n'.repeat(24));
  const both = await ok(
    daemon(),
    `cd "$AOS_MOUNT"/tools/read; exec 3<>call 4<>call
     printf '{"path":"/aos/memory/n1"}' >&3; printf '{"path":"/aos/memory/n2"}' >&4
     cat <&4; cat <&3`,
  );
  t.regex(both, /the text of 2[\s\S]*the text of 1/);
});

fuseTest('three agents answer at the same time', async t => {
  const said = await ok(
    daemon(),
    `cd "$AOS_HOME"; for agent in researcher coder summarizer; do aos invoke $agent "say it" --wait > said.$agent & done; wait
     cat said.*; rm said.*`,
  );
  t.is(said, 'the answer\n'.repeat(3));
  await ok(
    daemon(),
    'cd "$AOS_MOUNT"/agents; for agent in researcher coder summarizer; do echo "say $agent" > $agent/inbox; done',
  );
  const found = await over(daemon(), ['say researcher', 'say coder', 'say summarizer']);
  t.deepEqual(
    found.map(turn => turn.agent),
    ['researcher', 'coder', 'summarizer'],
  );
  const ends = found.map(turn => Date.parse(turn.ended ?? ''));
  const starts = found.map(turn => Date.parse(turn.started));
  t.true(Math.max(...starts) < Math.min(...ends), 'each began before any was over');
});

fuseTest('tail -f on the stream follows run after run', async t => {
  const script = `cd "$AOS_MOUNT"/agents/coder; timeout 15 tail -s 0.05 -n 0 -f stream > "$AOS_HOME"/followed 2>/dev/null & tail=$!
    for n in 1 2 3; do
      aos invoke coder "follow $n" --wait > /dev/null
      until grep -q "end of $n" "$AOS_HOME"/followed; do kill -0 $tail || exit 1; sleep 0.05; done
    done
    kill $tail; cat "$AOS_HOME"/followed`;
  t.is(await ok(daemon(), script), 'the end of 1\nthe end of 2\nthe end of 3\n');
});

needs(test.serial, { fuse: true, command: 'python3' })('poll and select wake when a log grows', async t => {
  const script = `
import os, select, subprocess, sys
root = os.environ['AOS_MOUNT']
fd = os.open(root + '/agents/summarizer/log', os.O_RDONLY)
while os.read(fd, 65536): pass
poll = select.poll(); poll.register(fd, select.POLLIN)
print('quiet', poll.poll(0) == [])
for way in ('poll', 'select'):
    sender = subprocess.Popen(['aos', 'invoke', 'summarizer', 'wake ' + way, '--wait'], stdout=subprocess.DEVNULL)
    woken = poll.poll(10000) != [] if way == 'poll' else select.select([fd], [], [], 10)[0] == [fd]
    print(way, woken, b'accepted' in os.read(fd, 65536))
    sender.wait()
    while os.read(fd, 65536): pass
`;
  t.is(await ok(daemon(), `python3 - <<'EOF'\n${script}EOF\n`), 'quiet True\npoll True True\nselect True True\n');
  await until('idle', async () => (await ok(daemon(), 'cat "$AOS_MOUNT"/agents/summarizer/status')) === 'idle\n');
});
