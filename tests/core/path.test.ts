import test from 'ava';
import fc from 'fast-check';
import { AosError, type ErrnoName } from '../../core/errors.ts';
import { nameFromBytes, parsePath } from '../../core/path.ts';

const refused: [string, ErrnoName, string][] = [
  ['/aos/a/../b', 'EINVAL', 'no ".."'],
  ['/aos/./b', 'EINVAL', 'no "."'],
  ['/aos//b', 'EINVAL', 'empty'],
  ['/aos/a\0b', 'EINVAL', 'NUL'],
  ['/aos/a\nb', 'EINVAL', 'newline'],
  ['/etc/passwd', 'EINVAL', 'not a path of the tree'],
  ['aos/x', 'EINVAL', 'not a path of the tree'],
  ['/aosx', 'EINVAL', 'not a path of the tree'],
  ['', 'EINVAL', 'not a path of the tree'],
  [`/aos/${'x'.repeat(256)}`, 'ENAMETOOLONG', '255'],
  [`/aos/${'é'.repeat(128)}`, 'ENAMETOOLONG', '255'],
  [`/aos/${'x/'.repeat(2100)}y`, 'ENAMETOOLONG', '4096'],
  ['/aos/\ud800', 'EILSEQ', 'Unicode'],
];

for (const [path, errno, why] of refused) {
  test(`a path is refused with ${errno}: ${JSON.stringify(path.slice(0, 24))}`, t => {
    const error = t.throws(() => parsePath(path), { instanceOf: AosError });
    t.is(error.errno, errno);
    t.true(error.why.includes(why), error.why);
    t.false(error.message.includes('\n'));
  });
}

test('a path is accepted as it stands, less a trailing slash', t => {
  for (const path of ['/aos', '/aos/a', '/aos/memory/ü/日本', '/aos/a b/c', `/aos/${'x'.repeat(255)}`]) {
    t.is(parsePath(path), path as ReturnType<typeof parsePath>);
  }
  t.is(String(parsePath('/aos/a/')), '/aos/a');
});

test('random text is a clean path or a clear refusal, never anything else', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
      try {
        const path = parsePath(`/aos/${text}`);
        const names = path.split('/').slice(1);
        return names.every(name => name !== '' && name !== '.' && name !== '..' && !/[\0\n]/.test(name));
      } catch (error) {
        return error instanceof AosError && error.exitCode === 2;
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('random bytes as a name come back as the same bytes or are refused', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      try {
        return Buffer.from(nameFromBytes(bytes)).equals(Buffer.from(bytes));
      } catch (error) {
        return error instanceof AosError && ['EINVAL', 'EILSEQ', 'ENAMETOOLONG'].includes(error.errno);
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
