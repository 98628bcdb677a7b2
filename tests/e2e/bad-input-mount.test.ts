/** Bad input through the kernel mount: the caller sees an errno, and `aos why` has the reason. */

import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { needs } from '../support/need.ts';
import { until } from '../support/until.ts';
import { health, lastWhy, oneDaemon, type Touch, touch } from './bad-input.ts';

const fuseTest = needs(test.serial, { fuse: true });
const daemon = oneDaemon({ mock: [{ match: '^hold', delay_ms: 60_000, text: 'never said' }, { text: 'done' }] });

interface Case extends Touch {
  /** The call that fails, and its errno. */
  readonly gives: string;
  /** What `aos why` and /aos/system/errors say of it; nothing where the errno is all there is to say. */
  readonly why?: RegExp;
}

const inbox = 'agents/researcher/inbox';
const KIB = 'x'.repeat(1024);

const MESSAGES: readonly Case[] = [
  { path: 'agents/nobody/inbox', act: 'write', body: 'hi', gives: 'open ENOENT' },
  { path: inbox, act: 'write', body: 'x'.repeat(65_537), gives: 'write EFBIG', why: /at most 65536 bytes/ },
  { path: inbox, act: 'write', body: KIB, times: 65, gives: 'write EFBIG', why: /at most 65536 bytes/ },
  { path: inbox, act: 'write', body: '{"prompt": oops', gives: 'write EINVAL', why: /is not JSON/ },
  { path: inbox, act: 'write', body: '{"prompt": 12}', gives: 'write EINVAL', why: /"prompt"/ },
  { path: inbox, act: 'write', body: ' \n', gives: 'close EINVAL', why: /the prompt is empty/ },
  { path: inbox, act: 'write', body: '{"prompt": "x", "override": {"model": "no/such"}}', gives: 'write ENOENT' },
  { path: inbox, act: 'read', gives: 'open EACCES', why: /can only be written/ },
  { path: inbox, act: 'call', body: 'x', gives: 'open EACCES', why: /can only be written/ },
  { path: inbox, act: 'seek', gives: 'pwrite ESPIPE' },
  { path: 'tools/search/call', act: 'call', body: '{oops', gives: 'read EINVAL', why: /not usable: .*JSON/ },
  { path: 'tools/search/call', act: 'call', body: '[]', gives: 'read EINVAL', why: /not a JSON object/ },
  { path: 'tools/nosuch/call', act: 'call', body: '{}', gives: 'open ENOENT' },
  { path: 'procs/999/ctl', act: 'write', body: 'stop', gives: 'open ENOENT' },
];

const IMPOSSIBLE = /[\n\x80-\xff]/;

const NAMES: readonly Case[] = [
  { path: 'nowhere', act: 'read', gives: 'open ENOENT' },
  { path: 'memory/\xff\xfe', act: 'make', gives: 'open EILSEQ', why: /not valid UTF-8/ },
  { path: 'memory/\xff\xfe', act: 'mkdir', gives: 'mkdir EILSEQ' },
  { path: 'memory/\xff\xfe', act: 'stat', gives: 'stat EILSEQ' },
  { path: 'memory/\xc0\xaf', act: 'make', gives: 'open EILSEQ' },
  { path: 'memory/\xed\xa0\x80', act: 'make', gives: 'open EILSEQ' },
  { path: 'nowhere/\xff', act: 'read', gives: 'open ENOENT' },
  { path: 'memory/a\nb', act: 'make', gives: 'open EINVAL', why: /no newline/ },
  { path: 'memory/a\nb', act: 'stat', gives: 'stat EINVAL' },
  { path: `memory/${'x'.repeat(256)}`, act: 'make', gives: 'open ENAMETOOLONG' },
  { path: 'memory/../../etc/hostname', act: 'read', gives: 'open ENOENT' },
  { path: `memory/${'x'.repeat(255)}`, act: 'make', gives: 'ok' },
  { path: `memory/${'x'.repeat(255)}`, act: 'unlink', gives: 'ok' },
  { path: 'memory/z', act: 'make', gives: 'ok' },
  { path: 'memory/z', act: 'rename', body: 'memory/\xff', gives: 'rename EILSEQ' },
  { path: 'memory/z', act: 'rename', body: 'agents/z', gives: 'rename EXDEV', why: /in another mount/ },
  { path: 'memory/z', act: 'unlink', gives: 'ok' },
];

const FIXED: readonly Case[] = [
  { path: 'agents/researcher/config.yaml', act: 'write', body: 'x', gives: 'open EROFS', why: /cannot be written/ },
  { path: 'agents/researcher/status', act: 'write', body: 'x', gives: 'open EROFS', why: /cannot be written/ },
  { path: 'agents/researcher/stream', act: 'write', body: 'x', gives: 'open EROFS', why: /by the system alone/ },
  { path: 'system/audit.jsonl', act: 'write', body: 'x', gives: 'open EROFS', why: /by the system alone/ },
  { path: 'agents/researcher/prefs.yaml', act: 'write', body: 'persona: x', gives: 'close EPERM', why: /only style/ },
  { path: 'agents/researcher/config.yaml', act: 'unlink', gives: 'unlink EROFS', why: /takes no such change/ },
  { path: 'README.md', act: 'unlink', gives: 'unlink EROFS', why: /the tree takes no such change/ },
  { path: 'agents/researcher', act: 'rmdir', gives: 'rmdir EROFS', why: /takes no such change/ },
  { path: 'agents', act: 'rmdir', gives: 'rmdir EBUSY', why: /served there/ },
  { path: 'agents/new', act: 'mkdir', gives: 'mkdir EROFS', why: /takes no such change/ },
  { path: 'procs/new', act: 'make', gives: 'open EROFS', why: /takes no such change/ },
  { path: 'new', act: 'make', gives: 'open EROFS', why: /the tree takes no such change/ },
  { path: 'agents/researcher', act: 'rename', body: 'agents/r', gives: 'rename EROFS', why: /no such change/ },
  { path: inbox, act: 'chmod', gives: 'chmod EPERM', why: /mode and owner are fixed/ },
  { path: 'memory', act: 'read', gives: 'read EISDIR' },
  { path: 'tools/search/enabled', act: 'write', body: 'maybe', gives: 'close EINVAL', why: /neither true nor false/ },
];

const TABLES = { messages: MESSAGES, names: NAMES, 'what is not theirs to change': FIXED };

for (const [title, cases] of Object.entries(TABLES)) {
  fuseTest(`each refusal has its errno, and its reason where that says too little: ${title}`, async t => {
    for (const { gives, why, ...what } of cases) {
      const said = `${what.act} ${what.path.slice(0, 60)} ${what.body?.slice(0, 40) ?? ''}`;
      t.is(await touch(daemon(), what), gives, said);
      t.is(await health(daemon()), 'ok', `the daemon answers after: ${said}`);
      if (why === undefined) continue;
      const last = await lastWhy(daemon());
      t.regex(last?.why ?? '', why, said);
      // A name that no path can be made of is told by its directory.
      t.is(last?.path, `/aos/${IMPOSSIBLE.test(what.path) ? dirname(what.path) : what.path}`, said);
      t.is(last?.errno, gives.split(' ')[1], said);
      t.truthy(last?.remedy, `${said}: there is something to do about it`);
    }
  });
}

fuseTest('what is in system/errors can be read by whoever only saw the errno', async t => {
  const script = 'echo x 2>/dev/null > "$AOS_MOUNT"/agents/researcher/config.yaml; head -1 "$AOS_MOUNT"/system/errors';
  const { stdout } = await daemon().sh(script);
  t.like(JSON.parse(stdout), { errno: 'EROFS', path: '/aos/agents/researcher/config.yaml', verb: 'write' });
  t.is((await daemon().sh('cat "$AOS_MOUNT"/agents/researcher/status')).stdout, 'idle\n');
});

fuseTest('a shell hears at once what can be refused before close', async t => {
  const lines = [
    ['head -c 65537 /dev/zero > "$AOS_MOUNT"/agents/researcher/inbox', /File too large/],
    ['echo hi > "$AOS_MOUNT"/agents/nobody/inbox', /[Nn]o(nexistent| such file)/],
    ['echo x > "$AOS_MOUNT"/agents/researcher/config.yaml', /Read-only file system/],
    ['cat "$AOS_MOUNT"/agents/researcher/inbox', /Permission denied/],
  ] as const;
  for (const [script, says] of lines) {
    const { code, stderr } = await daemon().sh(`export LC_ALL=C; ${script}`);
    t.not(code, 0, script);
    t.regex(stderr, says, script);
  }
});

fuseTest('a word that ctl does not know is refused, and the run goes on', async t => {
  const { pid } = JSON.parse((await daemon().aos('invoke', 'researcher', 'hold', '--json')).stdout);
  const running = () => daemon().aos('cat', `/aos/procs/${pid}/status`);
  await until('it runs', async () => (await running()).stdout === 'running\n');
  for (const word of ['frob', 'stop now', 'STOP', '{}', '\xff']) {
    t.is(await touch(daemon(), { path: `procs/${pid}/ctl`, act: 'write', body: word }), 'write EINVAL', word);
    const why = await lastWhy(daemon());
    t.regex(why?.why ?? '', /is not a word of ctl/, word);
    t.regex(why?.remedy ?? '', /stop kill pause resume/, word);
  }
  t.is(await touch(daemon(), { path: `procs/${pid}/ctl`, act: 'read' }), 'open EACCES');
  t.is((await running()).stdout, 'running\n');
  t.is(await touch(daemon(), { path: `procs/${pid}/ctl`, act: 'write', body: 'kill' }), 'ok');
  await until('it ended', async () => (await running()).stdout === 'zombie\n');
  for (const name of ['ctl', 'stdin']) {
    t.is(await touch(daemon(), { path: `procs/${pid}/${name}`, act: 'write', body: 'stop' }), 'open ESRCH', name);
    const why = await lastWhy(daemon());
    t.is(why?.why, 'the run has ended');
    t.is(why?.remedy, `see /aos/procs/${pid}/exit`);
  }
});

test.serial('a broken definition keeps the last good one in force and says what is wrong with it', async t => {
  const file = join(daemon().home, 'etc/agents.d/coder.yaml');
  const text = execFileSync('cat', [file], { encoding: 'utf8' });
  const before = (await daemon().aos('cat', '/aos/agents/coder/config.yaml')).stdout;
  const broken: readonly (readonly [string, RegExp])[] = [
    ['tools: [search\n', /line \d+: not YAML/],
    ['', /it is empty/],
    ['- a\n- list\n', /line 1: it holds no keys/],
    ['persona: x\ntoolz: []\n', /line 2: "toolz" is \[\]: there is no such key/],
    ['persona: x\nlimits:\n  timeout_sec: -5\n', /line 3: "limits\.timeout_sec" is -5/],
    ['\xff\xfe\x00', /./],
  ];
  for (const [content, says] of broken) {
    writeFileSync(file, content, 'latin1');
    const error = await until(`said: ${says}`, async () => {
      const { stdout } = await daemon().aos('cat', '/aos/agents/coder/.error');
      return says.test(stdout) ? stdout : undefined;
    });
    t.regex(error, /^agents: \/aos\/etc\/agents\.d\/coder\.yaml: [^\n]+; correct the file[^\n]*\n$/);
    t.is((await daemon().aos('cat', '/aos/agents/coder/config.yaml')).stdout, before);
    t.is((await daemon().aos('cat', '/aos/agents/researcher/status')).stdout, 'idle\n');
  }
  const { code, stderr } = await daemon().aos('invoke', 'coder', 'hi', '--wait');
  t.is(code, 0, stderr);
  t.regex(
    (await daemon().aos('cat', '/aos/agents/coder/log')).stdout,
    /agents\.d\/coder\.yaml: line 3: "limits\.timeout_sec"/,
  );
  writeFileSync(file, text);
  await until('no error any more', async () => (await daemon().aos('cat', '/aos/agents/coder/.error')).code === 1);
});

test.serial('an agent that never was valid takes no messages and says why', async t => {
  const file = join(daemon().home, 'etc/agents.d/newcomer.yaml');
  writeFileSync(file, 'persona: [\n');
  const { code, stderr } = await until('the agent is there', async () => {
    const said = await daemon().aos('invoke', 'newcomer', 'hi');
    return said.code === 2 ? said : undefined;
  });
  t.is(code, 2);
  t.regex(stderr, /^agents: .*definition is not valid: line \d+.*; correct \/aos\/etc\/agents\.d\/newcomer\.yaml\n$/);
  rmSync(file);
});
