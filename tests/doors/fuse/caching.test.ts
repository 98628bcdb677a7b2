/** What the kernel is allowed to keep, and how it is made to forget. */

import type { Path } from '../../../core/types.ts';
import type { FakeApi } from './fake.ts';
import { mountTest, until } from './mounted.ts';

function fixed(api: FakeApi): void {
  for (const path of ['/aos/top/done/a', '/aos/top/done/b']) api.aos.add(path, 'file', 'kept\n').fixed = true;
  const done = api.aos.node('/aos/top/done' as Path);
  done.fixed = true;
  api.aos.node('/aos/top' as Path).anchored = true;
}

const USE = 'cat top/done/a; ls top/done >/dev/null; stat top/done/b >/dev/null';

/** What reaches the tree while `script` runs. */
async function asked(api: FakeApi, run: () => Promise<unknown>): Promise<string[]> {
  const before = api.aos.asked.length;
  await run();
  return api.aos.asked.slice(before).filter(line => line !== 'stat /aos');
}

mountTest('what never changes is asked for once', fixed, async (t, { api, sh }) => {
  await sh(USE);
  // The kernel forgets a directory's access time whenever it is listed, so that much it asks again.
  const again = await asked(api, () => sh(USE));
  t.deepEqual(
    again.filter(line => line !== 'stat /aos/top/done'),
    ['open /aos/top/done/a'],
  );
});

mountTest(
  'with other users on the mount, names are asked for each time',
  fixed,
  async (t, { api, sh }) => {
    await sh(USE);
    const again = await asked(api, () => sh(USE));
    t.true(again.includes('stat /aos/top'));
    t.true(again.includes('stat /aos/top/done/a'));
    t.true(again.includes('list /aos/top/done'));
  },
  { allowOther: true },
);

mountTest('a change that the daemon reports is seen, whatever was kept', fixed, async (t, { api, sh }) => {
  await sh(USE);
  api.aos.node('/aos/top/done/a' as Path).body = Buffer.from('something else\n');
  api.change('/aos/top/done/a' as Path);
  const changed = async (): Promise<boolean> =>
    (await sh('cat top/done/a; stat -c %s top/done/a')).out === 'something else\n15\n';
  let seen = await changed();
  for (let i = 0; i < 20 && !seen; i++) seen = await changed();
  t.true(seen);
});

mountTest('a removal that the daemon reports is seen', fixed, async (t, { api, sh }) => {
  await sh(USE);
  api.aos.node('/aos/top/done' as Path).children.delete('a');
  api.change('/aos/top/done/a' as Path);
  let out = '';
  for (let i = 0; i < 20 && out !== 'b\n'; i++)
    out = (await sh('ls top/done; stat top/done/a >/dev/null 2>&1 && echo still')).out;
  t.is(out, 'b\n');
});

mountTest('when somebody may do less, everything is asked for again', fixed, async (t, { api, sh }) => {
  await sh(USE);
  api.narrow();
  let again: string[] = [];
  for (let i = 0; i < 20 && again.length < 4; i++) again = await asked(api, () => sh(USE));
  for (const line of ['stat /aos/top', 'stat /aos/top/done', 'stat /aos/top/done/a', 'list /aos/top/done'])
    t.true(again.includes(line), line);
});

mountTest('many changes while directories are in use do not block the daemon', fixed, async (t, { api, sh }) => {
  const busy = sh('for i in $(seq 200); do cat top/done/a > /dev/null; ls -l top/done > /dev/null; done; echo done');
  let running = true;
  busy.then(() => {
    running = false;
  });
  await until(() => {
    api.change('/aos/top/done/a' as Path);
    api.change('/aos/top/done' as Path);
    return !running;
  }, 20_000);
  t.is((await busy).out, 'done\n');
});
