import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pid } from 'node:process';
import test from 'ava';
import { AosError } from '../../../core/errors.ts';
import { startSocket } from '../../../doors/socket/index.ts';
import { command } from '../../support/command.ts';
import { tmpDir } from '../../support/dirs.ts';
import { until } from '../../support/until.ts';
import { startSubject } from './subject.ts';

const GET = 'GET' as const;

test('reads, lists and stats a node', async t => {
  const { client } = await startSubject(t);
  t.is(String(await client.ask({ method: GET, path: '/aos/probe/value' })), 'hello\n');
  const names = await client.json({ method: GET, path: '/aos/probe', query: { list: '1' } });
  t.true(JSON.stringify(names).includes('{"name":"value","kind":"value"}'));
  const stat = await client.json({ method: GET, path: '/aos/probe/value', query: { stat: '1' } });
  t.like(stat, { kind: 'value', size: 6 });
  const full = await client.json({ method: GET, path: '/aos/probe', query: { list: '1', stat: '1' } });
  t.true(Array.isArray(full) && full.some(entry => entry.name === 'link' && entry.target === 'value'));
});

test('writes, appends to, makes and removes files', async t => {
  const { client } = await startSubject(t);
  const path = '/aos/memory/note one.txt';
  const read = async (): Promise<string> => String(await client.ask({ method: GET, path }));
  await client.ask({ method: 'PUT', path, body: Buffer.from('first\n') });
  await client.ask({ method: 'PUT', path, query: { append: '1' }, body: Buffer.from('second\n') });
  t.is(await read(), 'first\nsecond\n');
  await client.ask({ method: 'PUT', path, body: Buffer.from('x\n') });
  t.is(await read(), 'x\n');
  await client.ask({ method: 'DELETE', path });
  await t.throwsAsync(read, { message: /no such file/ });
  await client.ask({ method: 'MKCOL', path: '/aos/memory/dir' });
  await client.ask({ method: 'DELETE', path: '/aos/memory/dir', query: { dir: '1' } });
  const left = await client.json({ method: GET, path: '/aos/memory', query: { list: '1' } });
  t.deepEqual(left, []);
});

test('appending to what is not there makes it', async t => {
  const { client } = await startSubject(t);
  const path = '/aos/memory/new';
  await client.ask({ method: 'PUT', path, query: { append: '1' }, body: Buffer.from('a') });
  t.is(String(await client.ask({ method: GET, path })), 'a');
});

test('a file larger than a value goes through in both directions, byte for byte', async t => {
  const { client } = await startSubject(t);
  const body = Buffer.alloc(3 * 1024 * 1024 + 17);
  for (let i = 0; i < body.length; i += 4096) body.writeUInt32LE(i, Math.min(i, body.length - 4));
  await client.ask({ method: 'PUT', path: '/aos/memory/big', body });
  const pieces: Uint8Array[] = [];
  await client.ask({ method: GET, path: '/aos/memory/big', sink: piece => void pieces.push(piece) });
  t.true(Buffer.concat(pieces).equals(body));
});

test('a message gives its receipt, and is refused where it is too long or the queue is full', async t => {
  const { client, sent } = await startSubject(t);
  const path = '/aos/probe/inbox';
  const send = (text: string): Promise<unknown> => client.json({ method: 'PUT', path, body: Buffer.from(text) });
  t.deepEqual(await send('one'), { pid: 1, conversation: '2026/01/01/x' });
  const long = await t.throwsAsync(send('x'.repeat(65_537)), { instanceOf: AosError });
  t.is(long.errno, 'EFBIG');
  const longer = await t.throwsAsync(send('x'.repeat(5_000_000)), { instanceOf: AosError });
  t.is(longer.errno, 'EFBIG');
  await send('two');
  await send('three');
  const full = await t.throwsAsync(send('four'), { instanceOf: AosError });
  t.is(full.exitCode, 67);
  t.deepEqual(sent, ['one', 'two', 'three']);
});

test('a call carries JSON values, bytes and streams', async t => {
  const { client } = await startSubject(t);
  t.deepEqual(await client.call('/aos/probe/number', 21), { twice: 42 });
  const bytes = await client.ask({ method: 'POST', path: '/aos/probe/number', body: Buffer.from('"bytes"') });
  t.deepEqual([...bytes], [0, 255]);
  t.is(
    String(await client.ask({ method: 'POST', path: '/aos/probe/ask', body: Buffer.from('"hi"') })).trim(),
    '{"value":"you said hi\\n"}',
  );
  const two = await client.ask({ method: 'POST', path: '/aos/probe/late', body: Buffer.from('2') });
  t.is(String(two), '1\n2\n');
});

test('an error after the first lines of a stream is its last line', async t => {
  const { client } = await startSubject(t);
  const reply = await client.ask({ method: 'POST', path: '/aos/probe/late', body: Buffer.from('3') });
  const lines = String(reply).trim().split('\n');
  t.deepEqual(lines.slice(0, 3), ['1', '2', '3']);
  t.like(JSON.parse(lines[3] ?? ''), { error: { kind: 'budget', errno: 'EDQUOT', remedy: 'ask for less' } });
});

test('follows a log until it ends', async t => {
  const { client, log } = await startSubject(t);
  log.append('a\n');
  let got = '';
  const sink = (piece: Uint8Array): void => {
    got += Buffer.from(piece).toString();
  };
  const following = client.ask({ method: GET, path: '/aos/probe/log', query: { follow: '1' }, sink });
  await until('the first line', () => got === 'a\n');
  log.append('b\n');
  await until('the second line', () => got === 'a\nb\n');
  log.append('c\n');
  log.end();
  await following;
  t.is(got, 'a\nb\nc\n');
  t.is(String(await client.ask({ method: GET, path: '/aos/probe/log', query: { follow: '1', from: '2' } })), 'b\nc\n');
});

test('an error keeps its kind, its sentence and its remedy, whatever characters it has', async t => {
  const { client } = await startSubject(t);
  const error = await t.throwsAsync(client.ask({ method: GET, path: '/aos/probe/broken' }), { instanceOf: AosError });
  t.like(error, { kind: 'upstream', component: 'probe', why: 'ünreachable\nservice', remedy: 'wait', exitCode: 98 });
});

test('names are encoded one by one: no part of a path can leave the tree', async t => {
  const { socket, client } = await startSubject(t);
  const body = Buffer.from('odd\n');
  for (const name of ['a b', 'c?d=e', 'f#g', 'ü%', '100%25']) {
    const path = `/aos/memory/${name}`;
    await client.ask({ method: 'PUT', path, body });
    t.is(String(await client.ask({ method: GET, path })), 'odd\n', name);
  }
  const raw = [
    '/aos/memory/..%2f..%2fetc',
    '/aos%2fmemory',
    '/aos/memory%2fx',
    '/aos/memory/../x',
    '/aos//x',
    '/aos/%00',
    '/aos/a%0ab',
    '/etc/passwd',
    '*',
  ];
  for (const target of raw)
    t.regex(
      await sendRaw(socket, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
      /^HTTP\/1\.1 400/,
      target,
    );
  const long = `/aos/${'x'.repeat(256)}`;
  t.regex(await sendRaw(socket, `GET ${long} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 414/);
  t.regex(await sendRaw(socket, 'GET /aos/%ff%fe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'), /bad_bytes/);
});

test('what is not a request is refused, and the next one is served', async t => {
  const { socket, client } = await startSubject(t);
  t.regex(await sendRaw(socket, 'hello\r\n\r\n'), /^HTTP\/1\.1 400/);
  t.regex(await sendRaw(socket, `GET /aos HTTP/1.1\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`), /^HTTP\/1\.1 400/);
  t.regex(await sendRaw(socket, 'PATCH /aos HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'), /PATCH is not served/);
  t.regex(
    await sendRaw(
      socket,
      'POST /aos/probe/number HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\nconnection: close\r\n\r\n{',
    ),
    /is not JSON/,
  );
  await sendRaw(socket, 'CONNECT /aos HTTP/1.1\r\nhost: x\r\n\r\n');
  await sendRaw(socket, 'PUT /aos/memory/half HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this', true);
  t.is(String(await client.ask({ method: GET, path: '/aos/probe/value' })), 'hello\n');
  t.is(String(await client.ask({ method: GET, path: '/health' })).trim(), '{"ok":true}');
  await t.throwsAsync(client.ask({ method: GET, path: '/aos/memory/half' }), { message: /no such file/ });
});

test('a request over a mebibyte is refused and the client hears why', async t => {
  const { client } = await startSubject(t);
  const ask = client.call('/aos/probe/number', 'x'.repeat(3_000_000));
  const error = await t.throwsAsync(ask, { instanceOf: AosError });
  t.is(error.errno, 'EFBIG');
});

test('a client that hangs up interrupts its operation', async t => {
  const { socket, interrupted } = await startSubject(t);
  await sendRaw(socket, 'GET /aos/probe/slow HTTP/1.1\r\nhost: x\r\n\r\n', true);
  await interrupted;
  t.pass();
});

test('the caller is who the kernel says it is', async t => {
  const { client, socket, caller } = await startSubject(t, {
    grants: { 65534: [{ verbs: ['all'], path: '/aos/**' }] },
  });
  await client.ask({ method: GET, path: '/aos/probe/whoami' });
  t.like(caller(), { uid: process.getuid?.(), gid: process.getgid?.(), identity: { pid } });
  t.true((caller()?.identity.startTime ?? 0) > 0);
  if (process.getuid?.() !== 0) return;
  // Only the socket's mode keeps others out; with it opened, the credentials are still theirs.
  chmodSync(socket, 0o666);
  chmodSync(join(socket, '..'), 0o711);
  const script = `require('node:net').connect(${JSON.stringify(socket)}).end('GET /aos/probe/whoami HTTP/1.0\\r\\n\\r\\n').pipe(process.stdout)`;
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const { stdout } = await command('setpriv', [...user, process.execPath, '-e', script], { cwd: '/' });
  t.regex(stdout, /\r\n\r\n65534\n$/);
  t.like(caller(), { uid: 65_534, gid: 65_534 });
  t.not(caller()?.identity.pid, pid);
});

test('a caller without rights sees nothing', async t => {
  const { client } = await startSubject(t, {
    grants: { [String(process.getuid?.())]: [{ verbs: ['stat', 'read'], path: '/aos/probe/value' }] },
  });
  t.is(String(await client.ask({ method: GET, path: '/aos/probe/value' })), 'hello\n');
  const hidden = await t.throwsAsync(client.ask({ method: GET, path: '/aos/probe/log' }), { instanceOf: AosError });
  t.is(hidden.errno, 'ENOENT');
  const denied = client.ask({ method: 'PUT', path: '/aos/probe/value', body: Buffer.from('x') });
  t.is((await t.throwsAsync(denied, { instanceOf: AosError })).errno, 'EACCES');
});

test('explains what the caller may do, and what an agent may on its behalf', async t => {
  const { client } = await startSubject(t);
  const ask = (query: Record<string, string>): Promise<unknown> =>
    client.json({ method: GET, path: '/aos/probe/inbox', query });
  t.like(await ask({ explain: 'write' }), { verb: 'write', path: '/aos/probe/inbox', allowed: true });
  const agent = await ask({ explain: 'write', as: 'reader' });
  t.like(agent, { allowed: false });
  t.regex(JSON.stringify(agent), /agent reader/);
  await t.throwsAsync(ask({ explain: 'wirte' }), { message: /not a verb/ });
});

test('the socket is private, is removed at the end, and is not taken from a daemon that answers', async t => {
  const { socket, door, core } = await startSubject(t);
  t.is(statSync(socket).mode & 0o777, 0o600);
  const second = await t.throwsAsync(startSocket(core.door('x'), { path: socket }), { instanceOf: AosError });
  t.regex(second.message, /another daemon answers/);
  await door.stop();
  t.false(existsSync(socket));
});

test('a socket that nobody answers is replaced; a file in its place is not', async t => {
  const { core } = await startSubject(t);
  const dir = tmpDir(t);
  const stale = join(dir, 'stale.sock');
  // Closing removes it, so it is left behind by a process that is killed.
  const leave = `require('node:net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await command(process.execPath, ['-e', leave]);
  t.true(existsSync(stale));
  const door = await startSocket(core.door('x'), { path: stale });
  t.is(statSync(stale).mode & 0o777, 0o600);
  await door.stop();
  const file = join(dir, 'file');
  writeFileSync(file, 'mine');
  await t.throwsAsync(startSocket(core.door('x'), { path: file }), { message: /not a socket/ });
  t.is(statSync(file).size, 4);
});

test('a path that is too long for a socket is refused with the way out', async t => {
  const { core } = await startSubject(t);
  const path = join(tmpDir(t), 'x'.repeat(120));
  const error = await t.throwsAsync(startSocket(core.door('x'), { path }), { instanceOf: AosError });
  t.is(error.errno, 'ENAMETOOLONG');
  t.regex(error.message, /AOS_SOCKET/);
});

test('a reply that breaks off is not taken for an answer', async t => {
  const path = join(tmpDir(t), 's');
  const server = createServer(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'));
  });
  await new Promise<void>(resolve => server.listen(path, resolve));
  t.teardown(() => server.close());
  const { makeClient } = await import('../../../cli/client.ts');
  await t.throwsAsync(makeClient(path).ask({ method: GET, path: '/aos' }), { message: /went away/ });
});

/** Sends bytes as they are and gives all that comes back; with `leave` hangs up at once. */
function sendRaw(path: string, bytes: string, leave = false): Promise<string> {
  return new Promise((resolve, reject) => {
    let back = '';
    const socket = connect(path);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      back += text;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(back));
    socket.write(bytes, () => {
      if (leave) setImmediate(() => socket.destroy());
    });
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
  });
}
