/** Bad input at the socket: bytes that no client of ours sends, and callers who have no business there. */

import { chmodSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errorIn, health, missingForUser, oneDaemon, type Shape, sendRaw } from './bad-input.ts';

const daemon = oneDaemon({ fuse: false });

const reason = missingForUser();
const asUser = (title: string, run: (t: ExecutionContext) => Promise<void>): void => {
  if (reason === undefined) test.serial(title, run);
  else test.serial.skip(`${title} (skipped: ${reason})`, run);
};

const OVER = 64 * 1024 + 1;

interface Answer {
  readonly status: number;
  readonly error: Shape;
}

async function answer(bytes: string | Buffer): Promise<Answer> {
  const reply = await sendRaw(daemon().socket, bytes);
  const status = /^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1];
  return { status: Number(status), error: errorIn(reply.slice(reply.indexOf('\r\n\r\n') + 4)) };
}

function request(method: string, target: string, body = '', more = ''): string {
  const length = body === '' ? '' : `content-length: ${body.length}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${more}${length}\r\n${body}`;
}

interface Case {
  readonly send: string;
  readonly status: number;
  readonly errno: string;
  readonly why: RegExp;
}

const inbox = '/aos/agents/researcher/inbox';

const PATHS: readonly Case[] = [
  { send: request('GET', '/aos/nowhere'), status: 404, errno: 'ENOENT', why: /no such file/ },
  { send: request('GET', '/etc/passwd'), status: 400, errno: 'EINVAL', why: /not a path of the tree/ },
  { send: request('GET', '/'), status: 400, errno: 'EINVAL', why: /not a path of the tree/ },
  { send: request('GET', '*'), status: 400, errno: 'EINVAL', why: /not a path of the tree/ },
  { send: request('GET', '/aos/../etc/passwd'), status: 400, errno: 'EINVAL', why: /no "\.\."/ },
  { send: request('GET', '/aos/%2e%2e/etc'), status: 400, errno: 'EINVAL', why: /no "\.\."/ },
  { send: request('GET', '/aos/memory/a%2fb'), status: 400, errno: 'EINVAL', why: /no slash/ },
  { send: request('GET', '/aos/memory/a%00b'), status: 400, errno: 'EINVAL', why: /no NUL/ },
  { send: request('PUT', '/aos/memory/a%0ab', 'x'), status: 400, errno: 'EINVAL', why: /no newline/ },
  { send: request('PUT', '/aos/memory/%ff%fe', 'x'), status: 400, errno: 'EILSEQ', why: /UTF-8/ },
  { send: request('PUT', '/aos/memory/%', 'x'), status: 400, errno: 'EILSEQ', why: /UTF-8/ },
  { send: request('PUT', '/aos/memory/%ed%a0%80', 'x'), status: 400, errno: 'EILSEQ', why: /UTF-8/ },
  { send: request('PUT', `/aos/memory/${'x'.repeat(256)}`, 'x'), status: 414, errno: 'ENAMETOOLONG', why: /255 bytes/ },
  { send: request('PUT', `/aos/memory/${'%c3%bc'.repeat(128)}`, 'x'), status: 414, errno: 'ENAMETOOLONG', why: /255/ },
  { send: request('GET', `/aos${'/x'.repeat(2100)}`), status: 414, errno: 'ENAMETOOLONG', why: /4096 bytes/ },
];

const BODIES: readonly Case[] = [
  { send: request('PUT', inbox, 'x'.repeat(OVER)), status: 413, errno: 'EFBIG', why: /at most 65536 bytes/ },
  { send: request('PUT', inbox, '{"prompt": oops'), status: 400, errno: 'EINVAL', why: /is not JSON/ },
  { send: request('PUT', '/aos/agents/nobody/inbox', 'hi'), status: 404, errno: 'ENOENT', why: /no such agent/ },
  { send: request('POST', '/aos/tools/search/call', '{oops'), status: 400, errno: 'EINVAL', why: /not JSON/ },
  { send: request('POST', '/aos/tools/search', '"x"'), status: 400, errno: 'EINVAL', why: /JSON/ },
  { send: request('POST', '/aos/tools/search', '[]'), status: 400, errno: 'EINVAL', why: /not a JSON object/ },
  { send: request('POST', '/aos/procs', '{"op":"spawn"}'), status: 400, errno: 'EINVAL', why: /./ },
  {
    send: request('POST', '/aos/agents/researcher', '{"op":"fly"}'),
    status: 400,
    errno: 'EINVAL',
    why: /not a request/,
  },
  { send: request('GET', inbox), status: 403, errno: 'EACCES', why: /can only be written/ },
  { send: request('GET', '/aos?explain=fly'), status: 400, errno: 'EINVAL', why: /"fly" is not a verb/ },
  { send: request('GET', '/aos/README.md?xattr=user.x'), status: 404, errno: 'ENODATA', why: /no attribute/ },
  { send: request('GET', '/aos/system/audit.jsonl?follow&from=x'), status: 400, errno: 'EINVAL', why: /not an offset/ },
  { send: request('DELETE', '/aos/README.md'), status: 403, errno: 'EROFS', why: /takes no such change/ },
  { send: request('MKCOL', '/aos/agents/x'), status: 403, errno: 'EROFS', why: /takes no such change/ },
  { send: request('PATCH', '/aos'), status: 405, errno: 'ENOTSUP', why: /PATCH is not served/ },
];

const GARBAGE: readonly Case[] = [
  { send: 'hello\r\n\r\n', status: 400, errno: 'EINVAL', why: /not HTTP/ },
  { send: '\x00\x01\x02\xff\xfe\r\n\r\n', status: 400, errno: 'EINVAL', why: /not HTTP/ },
  { send: 'GET /aos HTTP/9.9\r\n\r\n', status: 400, errno: 'EINVAL', why: /not HTTP/ },
  { send: 'GET /aos/\xff HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', status: 400, errno: 'EINVAL', why: /./ },
  { send: request('PUT', inbox, '', 'content-length: -1\r\n'), status: 400, errno: 'EINVAL', why: /not HTTP/ },
  { send: `GET /aos HTTP/1.1\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, status: 400, errno: 'EINVAL', why: /not HTTP/ },
  {
    send: `${request('PUT', inbox, '', 'transfer-encoding: chunked\r\n')}zz\r\n`,
    status: 400,
    errno: 'EINVAL',
    why: /not HTTP/,
  },
];

const TABLES = { 'a path that is none': PATHS, 'a body or a question': BODIES, 'what is not HTTP': GARBAGE };

for (const [title, cases] of Object.entries(TABLES)) {
  test.serial(`the socket refuses with a status, an errno, a reason and a remedy: ${title}`, async t => {
    for (const { send, status, errno, why } of cases) {
      const said = JSON.stringify(send.slice(0, 80));
      const got = await answer(send);
      t.is(got.status, status, `${said}: ${got.error.why}`);
      t.is(got.error.errno, errno, said);
      t.regex(got.error.why, why, said);
      t.truthy(got.error.remedy, `${said}: ${got.error.why}: there is something to do about it`);
      t.is(await health(daemon()), 'ok', `the daemon answers after: ${said}`);
    }
  });
}

test.serial('a message that breaks off is not run', async t => {
  const head = `PUT ${inbox} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf of`;
  const script = `require('node:net').connect(process.env.AOS_SOCKET).end(${JSON.stringify(head)}).resume()`;
  await daemon().sh(`"$NODE" -e "$SCRIPT"`, { env: { NODE: process.execPath, SCRIPT: script } });
  t.is(await health(daemon()), 'ok');
  t.deepEqual(JSON.parse((await daemon().aos('ps', '-a', '--json')).stdout), []);
});

test.serial('the socket is for its owner alone', t => {
  t.is(statSync(daemon().socket).mode & 0o777, 0o600);
  t.is(statSync(dirname(daemon().socket)).mode & 0o777, 0o700);
});

asUser('another user is told whose daemon it is, and how to have one', async t => {
  const told = await daemon().sh('cd /; aos ps', { uid: 65_534 });
  t.is(told.code, 1);
  t.regex(told.stderr, /^aos: the daemon at \S+ belongs to another user; run as that user, or start your own[^\n]*\n$/);
  // Only the mode of the home and of the socket kept it out. With both open, it is a user without grants.
  const { home, socket } = daemon();
  chmodSync(home, 0o711);
  chmodSync(socket, 0o666);
  try {
    for (const script of ['aos cat /aos/system/status', 'aos invoke researcher hi', 'aos rm /aos/memory/agents']) {
      const { code, stderr } = await daemon().sh(`cd /; ${script}`, { uid: 65_534 });
      t.not(code, 0, script);
      t.regex(stderr, /^[a-z ]+: [^\n]+; [^\n]+\n$/, script);
    }
  } finally {
    chmodSync(socket, 0o600);
    chmodSync(home, 0o700);
  }
});
