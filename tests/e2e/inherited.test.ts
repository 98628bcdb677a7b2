/** One open is one message, however many processes write to it. */

import { type Daemon, startDaemon } from '../support/daemon.ts';
import { fuseTest } from '../support/need.ts';
import { ok } from './shared.ts';

const WRITERS: readonly [string, string, string][] = [
  ['a group of commands', '{ echo one; printf "two\\n" | cat; /bin/echo three; } > "$F"', 'one\ntwo\nthree'],
  ['a subshell', '( printf one; /bin/sleep 0; printf " two" ) > "$F"', 'one two'],
  ['a descriptor of the shell', 'exec 3>"$F"; /bin/echo one >&3; echo two >&3; exec 3>&-', 'one\ntwo'],
  ['a program that opened it itself', 'printf "one two" | dd of="$F" bs=3 2>/dev/null', 'one two'],
  [
    'a child that outlives the shell',
    'exec 3>"$F"; (exec 3>&-); (/bin/sleep 0.2; /bin/echo late >&3) & exit 0',
    'late',
  ],
];

async function prompts(daemon: Daemon, count: number): Promise<string[]> {
  for (let i = 0; i < 100; i++) {
    const { stdout } = await daemon.sh(
      'aos wait researcher >/dev/null; cat "$AOS_MOUNT"/conversations/*/*/*/*/meta.json | jq -r ".prompt | @json"',
    );
    const found = stdout.split('\n').filter(line => line !== '');
    if (found.length >= count) return found.map(line => JSON.parse(line));
  }
  return [];
}

for (const [name, script, expected] of WRITERS) {
  fuseTest(`${name} writes one message`, async t => {
    const daemon = await startDaemon(t, { mock: [{ text: 'an answer' }] });
    await ok(daemon, `F="$AOS_MOUNT"/agents/researcher/inbox; ${script}`);
    t.deepEqual(await prompts(daemon, 1), [expected]);
    await ok(daemon, 'echo next > "$AOS_MOUNT"/agents/researcher/inbox');
    t.deepEqual((await prompts(daemon, 2)).toSorted(), [expected, 'next'].toSorted(), 'and no other');
  });
}

fuseTest(
  'what will be refused for its price or its model is refused by the write, so that a shell hears it',
  async t => {
    const daemon = await startDaemon(t, {
      mock: [{ text: 'an answer' }],
      config: { backends: { mock: { pricing: { input_per_1m: 1, output_per_1m: 100 } } } },
    });
    const inbox = '"$AOS_MOUNT"/agents/researcher/inbox';
    const dear = await daemon.sh(`echo "long please" > ${inbox}`);
    t.not(dear.code, 0);
    t.regex((await daemon.aos('why')).stdout, /Estimated cost: \$0\.\d+.*above \$0\.10/);
    const unknown = await daemon.sh(`echo '{"prompt": "x", "override": {"model": "mock/none"}}' > ${inbox}`);
    t.not(unknown.code, 0);
    t.is(
      await ok(
        daemon,
        `echo '{"prompt": "x", "force": true}' > ${inbox} && aos wait researcher >/dev/null; aos ps -a --json | jq length`,
      ),
      '1\n',
    );
  },
);
