import test from 'ava';
import { explained } from '../../../doors/shell/errors.ts';
import { FrameReader, frame } from '../../../doors/shell/frames.ts';
import { isIncomplete, readsInput } from '../../../doors/shell/input.ts';

test('a script that reads its input is told from one that does not', t => {
  const reads = [
    'cat',
    'cat > f',
    'read x; echo $x',
    'wc -l',
    'head -n 3',
    'grep x',
    'grep -e x | wc',
    'jq .a',
    'tee f',
  ]
    .concat(['while read l; do echo $l; done', 'cat - f', 'x=$(cat)', 'sort -k 2 | uniq', 'xargs -n 1 echo'])
    .concat(['if true; then tr a b; fi', 'cat /dev/stdin', '(cat)', 'cut -d , -f 2', 'f() { cat; }; f', 'base64 -d']);
  const ignores = [
    'ls',
    'cat f',
    'echo x | cat',
    'cat < f',
    'wc -l f',
    'grep x f',
    'grep -r x',
    'jq . f',
    'sed s/a/b/ f',
  ].concat(['while read l; do :; done < f', 'bash -c ls', 'for i in 1; do echo; done', 'cat <<< x', 'echo read cat']);
  t.deepEqual(
    reads.filter(script => !readsInput(script)),
    [],
  );
  t.deepEqual(ignores.filter(readsInput), []);
});

test('a line that goes on is told from a complete one', t => {
  const open = [
    'for i in 1; do',
    'echo "a',
    'if true',
    'cat <<E\nx',
    'f() {',
    '(',
    "echo 'a",
    'a |',
    'a &&\n',
    'echo \\\n',
  ];
  const whole = ['ls', 'for i in 1; do :; done', 'cat <<E\nx\nE', 'echo )'];
  t.deepEqual(
    open.filter(script => !isIncomplete(script)),
    [],
  );
  t.deepEqual(whole.filter(isIncomplete), []);
});

test('a failure replaces what a command guessed, and only there', t => {
  const failure = { errno: 'EDQUOT', reason: 'core: too dear', telling: true };
  const failed = { path: '/aos/mnt/api/x', failure, probe: false };
  t.is(
    explained('cat: api/x: No such file or directory\ncat: y: No such file or directory\n', [failed], 'cat'),
    'cat: api/x: Disk quota exceeded\ncore: too dear\ncat: y: No such file or directory\n',
  );
  t.is(explained('', [failed], 'grep'), 'grep: /aos/mnt/api/x: Disk quota exceeded\ncore: too dear\n');
  t.is(explained('', [{ ...failed, probe: true }], 'test'), '');
});

test('frames are whole, however the bytes arrive', t => {
  const sent = Buffer.concat([
    frame('run', { script: 'ls' }),
    frame('stdout', new Uint8Array([0, 255])),
    frame('input-end'),
  ]);
  for (let piece = 1; piece < 8; piece++) {
    const reader = new FrameReader();
    const got: string[] = [];
    for (let at = 0; at < sent.length; at += piece) {
      reader.push(sent.subarray(at, at + piece), (kind, body) => got.push(`${kind} ${body.toString('hex')}`));
    }
    t.deepEqual(got, [`run ${Buffer.from('{"script":"ls"}').toString('hex')}`, 'stdout 00ff', 'input-end ']);
  }
  t.throws(() => new FrameReader().push(Buffer.from('HTTP/1.1'), () => undefined));
});

test('a long frame takes time that grows with its length alone, in however small pieces it comes', t => {
  const sent = frame('input', new Uint8Array(16 << 20).fill(7));
  const reader = new FrameReader();
  const got: Buffer[] = [];
  const begun = performance.now();
  for (let at = 0; at < sent.length; at += 4096) {
    reader.push(sent.subarray(at, at + 4096), (_kind, body) => got.push(body));
  }
  // Joined anew with each piece it is 32 GiB that are copied.
  t.true(performance.now() - begun < 1500);
  t.deepEqual([got.length, got[0]?.length, got[0]?.every(byte => byte === 7)], [1, 16 << 20, true]);
});

test('a frame over the bound is refused as soon as its length is known', t => {
  const sent = frame('run', new Uint8Array(101));
  const error = t.throws(() => new FrameReader(100).push(sent.subarray(0, 5), () => undefined));
  t.regex(error.message, /101 bytes is over the 100/);
  t.notThrows(() => new FrameReader(101).push(sent, () => undefined));
});
