import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { granted } from '../../support/core.ts';
import { BYTES, world } from './world.ts';

test.serial('the tree is at /aos, and nothing of the host is anywhere', async t => {
  const { sh } = await world(t);
  t.is((await sh('pwd; cat hello; cat /aos/hello')).out, '/aos\nhello\nhello\n');
  t.is((await sh('ls')).out, 'ask\nbroken\nfull\nhello\ninbox\nmemory\nsecret\nslow\nway\n');
  t.is(
    (await sh('echo memory/*; cat way | head -n 1; readlink way')).out,
    'memory/bytes memory/text\ngröße → 日本\nmemory/text\n',
  );
  const host = await sh(`cat ${import.meta.filename} /etc/passwd; ls /etc /root; echo $AOS_HOME$HOSTNAME`);
  t.regex(host.err, /passwd: No such file or directory/);
  t.is(host.out, 'localhost\n');
});

test.serial('what an authority may not see does not exist, in listings, globs and searches alike', async t => {
  const { sh } = await world(t);
  const as = granted(
    { verbs: ['read', 'list'], path: '/aos/memory/**' },
    { verbs: ['stat'], path: '/aos/hello' },
    { verbs: ['write'], path: '/aos/inbox' },
  );
  t.is((await sh('ls; echo *; echo [s]*', {}, as)).out, 'hello\ninbox\nmemory\nhello inbox memory\n[s]*\n');
  t.is((await sh('ls -R /aos | grep -c .', {}, as)).out, '7\n');
  t.is(
    (await sh('find /aos -type f | sort', {}, as)).out,
    '/aos/hello\n/aos/inbox\n/aos/memory/bytes\n/aos/memory/text\n',
  );
  const secret = await sh('cat secret; [ -e secret ] || echo none', {}, as);
  t.is(secret.out, 'none\n');
  t.is(secret.err, 'cat: secret: No such file or directory\n');
  const hello = await sh('cat hello', {}, as);
  t.is(hello.code, 1);
  t.regex(
    hello.err,
    /^cat: hello: Permission denied\ncore: \/aos\/hello: granted does not grant read; see: aos explain/,
  );
  t.is((await sh('grep -rl zwei .', {}, as)).out, 'memory/text\n');
});

test.serial('a redirect is one message, committed when its command ends', async t => {
  const { sh, sent } = await world(t);
  await sh('echo one > inbox; { echo two; echo three; } >> inbox; for i in 4 5; do echo $i; done > inbox');
  t.deepEqual(sent, ['one', 'two\nthree', '4\n5']);
  sent.length = 0;
  await sh('exec 3> inbox; echo a >&3; echo b >&3; exec 3>&-');
  t.deepEqual(sent, ['a\nb']);
  sent.length = 0;
  await sh('echo piped | tee inbox; echo run | xargs -I {} bash -c "echo {} > /aos/inbox"; : > inbox');
  t.deepEqual(sent, ['piped', 'run']);
});

test.serial('what a redirect is refused is the status of its command, with the reason', async t => {
  const { sh, sent } = await world(t);
  const full = await sh('echo x > full || echo refused; echo next');
  t.is(full.out, 'refused\nnext\n');
  t.is(full.err, 'bash: /aos/full: Resource temporarily unavailable\nprobe: it holds 3 already; wait\n');
  const late = await sh('if echo "{" > inbox; then echo sent; else echo "refused $?"; fi');
  t.is(late.out, 'refused 1\n');
  t.regex(late.err, /^bash: \/aos\/inbox: Invalid argument\nprobe: not JSON\n$/);
  t.deepEqual(sent, []);
  t.is(
    (await sh('false > memory/f; echo $?; ! true > memory/f; echo $?; true > memory/f && echo yes')).out,
    '1\n1\nyes\n',
  );
  t.is((await sh('set -e; echo x > full; echo not here')).code, 1);
});

test.serial('errors are what happened, also for a script that looks at them', async t => {
  const { sh } = await world(t);
  t.is((await sh('cat nothing; echo $?')).err, 'cat: nothing: No such file or directory\n');
  t.is((await sh('cat broken 2>&1 | head -n 1')).out, 'cat: broken: Input/output error\n');
  t.regex((await sh('grep -r x broken hello')).err, /the service is away; wait/);
  t.is((await sh('echo x > hello')).err.split('\n')[0], 'bash: /aos/hello: Read-only file system');
  t.regex((await sh('mkdir /aos/new')).err, /Read-only file system\n/);
  t.regex((await sh('rm hello')).err, /cannot remove 'hello': Read-only file system\n/);
  t.is((await sh('cat broken 2>/dev/null; true')).err, '');
  t.is((await sh('nosuchcommand')).code, 127);
  t.is((await sh('echo "')).code, 2);
  t.is((await sh('exit 7')).code, 7);
});

test.serial('bytes come through whatever they go through', async t => {
  const { sh, home } = await world(t);
  const on = (name: string): Uint8Array => readFileSync(join(home, name));
  t.deepEqual(Buffer.from((await sh('cat memory/bytes')).bytes), BYTES);
  await sh(`cat memory/bytes > memory/a; { cat memory/bytes; } | cat > memory/b; f() { cat memory/bytes; }; f >> memory/c
    cat memory/bytes | tee memory/d > /dev/null; cp memory/bytes memory/e; base64 memory/bytes | base64 -d > memory/f
    cat < memory/bytes | gzip -c | gunzip -c > memory/g; cat memory/bytes > /tmp/x; mv /tmp/x memory/h`);
  for (const name of 'abcdefgh') t.deepEqual(on(name), BYTES, name);
  t.deepEqual(Buffer.from((await sh('cat', { stdin: BYTES })).bytes), BYTES);
  t.is(
    (await sh('wc -c < memory/bytes; cat memory/bytes | wc -c; md5sum memory/bytes | cut -c 1-8')).out,
    '512\n512\nf5c8e3c3\n',
  );
  t.deepEqual([...(await sh("printf '\\xff\\303\\251'")).bytes], [0xff, 0xc3, 0xa9]);
});

test.serial('text is text: what is read line by line, matched, counted and changed', async t => {
  const { sh } = await world(t);
  t.is((await sh(`while read -r l; do echo "«$l» \${#l}"; done < memory/text`)).out, '«größe → 日本» 10\n«zwei» 4\n');
  t.is(
    (await sh(`mapfile -t a < memory/text; echo "\${a[0]^^}"; grep -o "→ ." memory/text`)).out,
    'GRÖSSE → 日本\n→ 日\n',
  );
  t.is(
    (await sh('sed "s/ö/oe/" memory/text | head -n 1 > memory/o; cat memory/o')).out,
    'groesse → 日本\n'.replace('sse', 'ße'),
  );
});

test.serial('files are made, changed, moved and removed', async t => {
  const { sh, home } = await world(t);
  const { err } =
    await sh(`cd memory && mkdir -p d/e && echo a > d/e/x && echo b >> d/e/x && cp -r d c && mv c/e/x y && rm -r d c
    ln -s y l; touch z; echo "$(<l)"; sed -i s/a/A/ y; test -s y && echo more >> y; rm z`);
  t.is(err, '');
  t.deepEqual(readdirSync(home).sort(), ['bytes', 'l', 'text', 'y']);
  t.is(readFileSync(join(home, 'y'), 'utf8'), 'A\nb\nmore\n');
});

test.serial('a call file answers whoever asked', async t => {
  const { sh } = await world(t);
  t.is((await sh('call ask "{}"; echo piped | call ask')).out, 'you said {}\nyou said piped\n');
  t.regex((await sh('call hello x')).err, /^call: hello: Read-only file system\n/);
});
