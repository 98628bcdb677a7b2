import test from 'ava';
import fc from 'fast-check';
import { fromPipe, hasEscapes, toBytes, toPipe, toText } from '../../../doors/shell/text.ts';

/** Much of it UTF-8, some of it what escapes are made of. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.string({ unit: 'binary', maxLength: 8 }).map(text => new Uint8Array(Buffer.from(text))),
      fc.constant(new Uint8Array([0xf4, 0x8f, 0xbf, 0xbe])),
      fc.constant(new Uint8Array([0xf4, 0x8f])),
    ),
  )
  .map(parts => Buffer.concat(parts));

test('bytes are the same after they were text, and after a pipe', t => {
  fc.assert(
    fc.property(bytes, original => {
      const text = toText(original);
      t.deepEqual(Buffer.from(toBytes(text)), original);
      t.is(fromPipe(toPipe(text)), text);
      t.true(text.isWellFormed());
    }),
    { numRuns: 500 },
  );
});

test('text is the same after it was bytes', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      t.is(toText(toBytes(text)), text);
      t.false(hasEscapes(toPipe(text)));
    }),
    { numRuns: 500 },
  );
});
