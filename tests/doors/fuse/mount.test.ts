/** What users of a real mount notice. */

import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gate } from './fake.ts';
import { mountTest, until } from './mounted.ts';

mountTest(
  'values, links and directories read as they are',
  api => {
    api.aos.add('/aos/value', 'value', 'hello\n');
    api.aos.add('/aos/dir/a', 'value', 'x');
    api.aos.add('/aos/dir/naïve name', 'value', 'y');
    api.aos.add('/aos/link', 'link', 'dir/a');
  },
  async (t, { sh }) => {
    t.is((await sh('cat value')).out, 'hello\n');
    t.is((await sh('ls -a dir')).out, '.\n..\na\nnaïve name\n');
    t.is((await sh('readlink link; cat link')).out, 'dir/a\nx');
    t.is(
      (await sh('stat -c "%A %s %F" value dir link')).out,
      '-r--r--r-- 6 regular file\ndrwxr-xr-x 4096 directory\nlrwxrwxrwx 5 symbolic link\n',
    );
    const missing = await sh('cat nothing');
    t.is(missing.code, 1);
    t.regex(missing.err, /No such file/);
    t.regex((await sh('cat dir/a/b')).err, /Not a directory/);
    t.is((await sh('stat -f -c "%b %f %c %d %l" .')).out, '1000 500 100 50 255\n');
  },
);

mountTest(
  'a changed value is seen at the next open',
  api => {
    api.aos.add('/aos/value', 'value', 'one\n');
  },
  async (t, { api, sh }) => {
    t.is((await sh('cat value; stat -c %s value')).out, 'one\n4\n');
    api.aos.write(api.aos.callers[0] ?? t.fail(), '/aos/value' as never, Buffer.from('three\n'));
    t.is((await sh('cat value; stat -c %s value')).out, 'three\n6\n');
  },
);

mountTest(
  'a message is committed once, however the shell opens it',
  api => {
    api.aos.add('/aos/inbox', 'message');
    api.aos.add('/aos/locked', 'message').fault = 'locked';
  },
  async (t, { api, sh }) => {
    const inbox = api.aos.root.children.get('inbox');
    t.is(
      (await sh('echo one > inbox; echo two >> inbox; (echo a; echo b) > inbox; printf x | cp /dev/stdin inbox')).code,
      0,
    );
    await until(() => inbox?.received.length === 4);
    t.deepEqual(inbox?.received, ['one\n', 'two\n', 'a\nb\n', 'x']);
    t.regex((await sh('cat inbox')).err, /Permission denied/);
    t.regex((await sh('echo x > locked')).err, /Permission denied/);
  },
);

mountTest(
  'an error at commit is what close says',
  api => {
    api.aos.add('/aos/full', 'message').fault = 'budget';
  },
  async (t, { sh }) => {
    const ran = await sh('cp /etc/hostname full');
    t.is(ran.code, 1);
    t.regex(ran.err, /quota/i);
  },
);

mountTest(
  'each open of a call has its own reply',
  api => {
    api.aos.add('/aos/call', 'call');
  },
  async (t, { sh }) => {
    const ran = await sh('exec 3<>call 4<>call; printf one >&3; printf two >&4; cat <&3; cat <&4');
    t.is(ran.out, 'reply to one\nreply to two\n');
  },
);

mountTest(
  'tail -f follows a log and poll wakes',
  api => {
    api.aos.add('/aos/log', 'log', 'one\n');
  },
  async (t, { api, dir, start }) => {
    const log = api.aos.root.children.get('log');
    const tail = start('tail', ['-n', '+1', '-s', '0.1', '-f', `${dir}/log`]);
    let out = '';
    tail.stdout?.on('data', chunk => {
      out += chunk;
    });
    await until(() => out === 'one\n');
    log?.append('two\n');
    await until(() => out === 'one\ntwo\n');

    const poller = start(process.execPath, [new URL('poll-client.ts', import.meta.url).pathname, `${dir}/log`]);
    let said = '';
    poller.stdout?.on('data', chunk => {
      said += chunk;
    });
    await until(() => said.endsWith('waiting\n'));
    // The watcher is there once the kernel has asked.
    await until(() => (log?.watchers.size ?? 0) > 0);
    log?.append('three\n');
    await until(() => said.includes('three'));
    t.is(said, 'one\ntwo\nwaiting\nthree\n');
  },
);

mountTest(
  'Ctrl-C on a read that waits returns at once',
  api => {
    api.aos.add('/aos/slow', 'value', 'never');
    api.aos.add('/aos/value', 'value', 'quick\n');
  },
  async (t, { api, dir, sh, start }) => {
    const { slow, aborted } = gate();
    const node = api.aos.root.children.get('slow');
    let asked = false;
    if (node !== undefined) {
      node.slow = cancel => {
        asked = true;
        return slow(cancel);
      };
    }
    const cat = start('cat', [`${dir}/slow`]);
    await until(() => asked);
    t.is((await sh('cat value')).out, 'quick\n');
    const began = Date.now();
    cat.kill('SIGINT');
    await until(() => cat.signalCode === 'SIGINT');
    t.true(Date.now() - began < 2000);
    await until(aborted);
  },
);

mountTest(
  'an answer that comes later arrives',
  api => {
    api.aos.add('/aos/slow', 'value', 'late\n');
    api.aos.add('/aos/slowdir/x', 'value', '');
  },
  async (t, { api, sh }) => {
    const value = gate();
    const dir = gate();
    const node = api.aos.root.children.get('slow');
    const slowdir = api.aos.root.children.get('slowdir');
    if (node !== undefined) node.slow = value.slow;
    if (slowdir !== undefined) slowdir.slow = dir.slow;
    const cat = sh('cat slow');
    const ls = sh('ls slowdir');
    value.open();
    dir.open();
    t.is((await cat).out, 'late\n');
    t.is((await ls).out, 'x\n');
  },
);

mountTest(
  'extended attributes: read, listed, set, refused',
  api => {
    api.aos.add('/aos/f', 'file', '').xattrs.set('user.state', Buffer.from('open'));
  },
  async (t, { api, dir, start, sh }) => {
    const client = start(process.execPath, [new URL('xattr-client.ts', import.meta.url).pathname, `${dir}/f`]);
    let out = '';
    client.stdout?.on('data', chunk => {
      out += chunk;
    });
    await until(() => client.exitCode !== null);
    t.deepEqual(JSON.parse(out), {
      state: 'open',
      list: 'user.state\0',
      size: 4,
      tooSmall: 34,
      missing: 61,
      createAgain: 17,
      replaceMissing: 61,
      security: 61,
      acl: 95,
      set: 0,
      removed: 0,
      removedAgain: 61,
    });
    t.is(Buffer.from(api.aos.node('/aos/f' as never).xattrs.get('user.new') ?? []).toString(), '');
    t.is((await sh('ls -l f')).code, 0);
  },
);

mountTest(
  'names that cannot be are refused with the right errno',
  api => {
    api.aos.add('/aos/files/f', 'file', '');
  },
  async (t, { sh }) => {
    const long = 'x'.repeat(256);
    t.regex((await sh(`echo > files/${long}`)).err, /File name too long/);
    t.regex((await sh("echo > files/$'a\\nb'")).err, /Invalid argument/);
    t.regex((await sh("echo > files/$'\\xff'")).err, /Invalid or incomplete multibyte/);
    t.is((await sh('ls files')).out, 'f\n');
  },
);

mountTest(
  'the caller is known: user, process and session',
  api => {
    api.aos.add('/aos/value', 'value', 'v');
  },
  async (t, { api, sh }) => {
    const ran = await sh('cat value >/dev/null; echo $$');
    const caller = api.aos.callers.at(-1);
    t.is(caller?.uid, process.getuid?.() ?? -1);
    t.is(caller?.door, 'kernel');
    t.is(ran.code, 0);
    const living = await sh('exec 3<value; cd /; readlink /proc/self >/dev/null; stat "$M/value" >/dev/null; echo $$');
    t.is(living.code, 0);
  },
);

mountTest(
  'work that fills the thread pool does not stop the mount',
  api => {
    api.aos.add('/aos/value', 'value', 'still here\n');
  },
  async (t, { sh }) => {
    const dir = mkdtempSync(join(tmpdir(), 'aos-fifo-'));
    const fifos = Array.from({ length: 8 }, (_, i) => join(dir, `fifo-${i}`));
    t.is((await sh('mkfifo "$@"', ...fifos)).code, 0);
    // Opening a pipe to read it occupies a thread until somebody opens it to write.
    const opened = fifos.map(fifo => open(fifo, 'r'));
    try {
      t.is((await sh('cat value')).out, 'still here\n');
    } finally {
      await sh('for f in "$@"; do : > "$f"; done', ...fifos);
      for (const file of await Promise.all(opened)) await file.close();
      rmSync(dir, { recursive: true });
    }
  },
);
