/** What is taken away from whoever has a file open already: the next read of it is refused, whatever the kernel has a copy of. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Result } from '../support/command.ts';
import { fuseTest, missing, needs } from '../support/need.ts';
import { until } from '../support/until.ts';
import { ok, shareDaemon } from './shared.ts';

const UID = 1001;
const MAY_READ = { verbs: ['stat', 'list', 'read'], path: '/aos/**' };
/** Where the other user says how far it is. */
const MARKS = { verbs: ['create', 'write'], path: '/aos/memory/marks/**' };

const GRANTED = { [UID]: [MAY_READ, MARKS] };

const daemon = shareDaemon({ args: ['--allow-other'] });
const userTest = needs(test.serial, { fuse: true, user: true, command: 'dd' });

function configure(config: object): void {
  writeFileSync(daemon().env.AOS_CONFIG ?? '', JSON.stringify(config));
}

/** What the audit log has been told of user 1001's refusals, oldest first. */
async function refusals(): Promise<{ verb: string; path: string; errno: string }[]> {
  const lines = (await ok(daemon(), 'cat "$AOS_MOUNT"/system/audit.jsonl')).trim().split('\n');
  return lines.map(line => JSON.parse(line)).filter(({ uid, errno }) => uid === UID && errno !== undefined);
}

/** Whether user 1001 reads this much of a new file handle. */
async function reads(path: string): Promise<boolean> {
  return (await daemon().sh(`cat "$AOS_MOUNT"/${path}`, { uid: UID })).code === 0;
}

const OPEN = 'exec 3< "$AOS_MOUNT"/memory/small 4< "$AOS_MOUNT"/memory/big; dd bs=4 count=1 <&3; dd bs=4 count=1 <&4';
const READ_ON = 'echo; echo then; dd bs=100 count=1 <&3; dd bs=100 count=1 <&4';

/** Opens two files as user 1001, reads 4 bytes of each, and reads on once `take` has taken the right to it away. */
async function heldOver(take: () => Promise<unknown>): Promise<Result> {
  const mark = `marks/${process.hrtime.bigint()}`;
  const script = `exec 2>&1; ${OPEN} ; : > "$AOS_MOUNT"/memory/${mark}.open
    while ! [ -e "$AOS_MOUNT"/memory/${mark}.taken ]; do sleep 0.02; done; ${READ_ON}`;
  const held = daemon().sh(`dd() { command dd status=none "$@"; }; ${script}`, { uid: UID });
  await until('the files are open', async () => (await daemon().sh(`ls "$AOS_MOUNT"/memory/${mark}.open`)).code === 0);
  await take();
  await ok(daemon(), `cat "$AOS_MOUNT"/memory/small "$AOS_MOUNT"/memory/big; : > "$AOS_MOUNT"/memory/${mark}.taken`);
  return held;
}

test.before('there are two files', async () => {
  if (missing({ fuse: true }) !== undefined) return;
  await until('the daemon runs', () => daemon(), 20_000);
  await ok(daemon(), 'cd "$AOS_MOUNT"/memory; mkdir -m 777 marks; echo "a secret" > small; seq 100000 > big');
});

test.beforeEach(async () => {
  if (missing({ fuse: true, user: true }) !== undefined) return;
  configure({ grants: GRANTED });
  await until('user 1001 may read', () => reads('memory/small'));
});

const TAKEN: readonly [how: string, config: () => object, said: string][] = [
  ['a grant that is removed', () => ({ grants: { [UID]: [MARKS] } }), 'No such file or directory'],
  [
    'a ceiling that is put over it',
    () => ({ grants: GRANTED, ceilings: { '/aos/memory/**': ['stat', 'list', 'create', 'write'] } }),
    'Permission denied',
  ],
  [
    'a grant that ends by the clock',
    () => ({ grants: { [UID]: [{ ...MAY_READ, until: new Date(Date.now() + 1500).toISOString() }, MARKS] } }),
    'No such file or directory',
  ],
];

for (const [how, config, said] of TAKEN) {
  userTest(`${how} is missed by the next read of an open file, though the owner reads it meanwhile`, async t => {
    const { stdout } = await heldOver(async () => {
      configure(config());
      await until('a new open is refused', async () => !(await reads('memory/small')));
    });
    const refused = `dd: error reading 'standard input': ${said}\n`;
    t.is(stdout, `a se1\n2\n\nthen\n${refused}${refused}`);
  });
}

userTest('each read that was refused is in the audit log', async t => {
  const before = (await refusals()).length;
  await heldOver(async () => {
    configure({ grants: { [UID]: [MARKS] } });
    await until('a new open is refused', async () => !(await reads('memory/small')));
  });
  const told = (await refusals()).slice(before).filter(one => one.verb === 'read');
  t.deepEqual(
    told.slice(-2).map(one => [one.path, one.errno]),
    [
      ['/aos/memory/small', 'ENOENT'],
      ['/aos/memory/big', 'ENOENT'],
    ],
  );
});

const CEILING = { grants: GRANTED, ceilings: { '/aos/memory/**': ['stat', 'list'] } };

const OWNER = `exec 3< "$AOS_MOUNT"/memory/big; dd status=none bs=4 count=1 <&3
  echo '${JSON.stringify(CEILING)}' > "$AOS_CONFIG"
  while cat "$AOS_MOUNT"/memory/small > "$AOS_HOME"/out 2>&1; do sleep 0.02; done; dd status=none bs=4 count=1 <&3`;

fuseTest("the owner's own open file is refused too, whose pages were kept", async t => {
  const { stdout, stderr } = await daemon().sh(OWNER);
  t.is(stdout, '1\n2\n');
  t.is(stderr, "dd: error reading 'standard input': Permission denied\n");
});

fuseTest('aos why tells of the read that was refused', async t => {
  const { stdout } = await daemon().sh(`${OWNER} 2> "$AOS_HOME"/out; aos why -n 1`);
  t.regex(stdout, /EACCES {2}\/aos\/memory\/big: ceiling .* does not grant read/);
});

/** Maps a file, reads a part of it, and that part again once a new open is refused. */
const MAPPED = `import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
seen = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
print(seen[0:4].decode().strip(), flush=True)
open(os.environ['AOS_CONFIG'], 'w').write(sys.argv[2])
while True:
    try: open(os.path.dirname(sys.argv[1]) + '/small').close()
    except PermissionError: break
    time.sleep(0.02)
print(seen[0:4])`;

const mapTest = needs(test.serial, { fuse: true, command: 'python3' });

mapTest('what was mapped into memory is taken back (SIGBUS)', async t => {
  writeFileSync(join(daemon().home, 'mapped.py'), MAPPED);
  const { stdout, code } = await daemon().sh(
    `python3 "$AOS_HOME"/mapped.py "$AOS_MOUNT"/memory/big '${JSON.stringify(CEILING)}'; exit $?`,
  );
  t.deepEqual([stdout, code], ['1\n2\n', 135]);
});
