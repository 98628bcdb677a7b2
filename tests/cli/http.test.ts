import test from 'ava';
import fc from 'fast-check';
import { ReplyReader } from '../../cli/http.ts';

const REPLIES = {
  counted: { text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', body: 'hello' },
  empty: { text: 'HTTP/1.1 204 No Content\r\n\r\n', body: '' },
  interim: { text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', body: '' },
  chunked: {
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n',
    body: 'hello',
  },
  trailed: {
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\naos-error: {}\r\n\r\n',
    body: 'x',
  },
};

/** Reads a reply cut into pieces at these places. */
function read(text: string, cuts: readonly number[]): { body: string; reader: ReplyReader } {
  const bytes = Buffer.from(text);
  const reader = new ReplyReader();
  let body = '';
  const ends = [...cuts.map(cut => cut % bytes.length), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    reader.push(bytes.subarray(from, end), piece => {
      body += piece.toString();
    });
    from = end;
  }
  return { body, reader };
}

test('a reply is the same however the wire cuts it', t => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(REPLIES)), fc.array(fc.nat(200), { maxLength: 12 }), (reply, cuts) => {
      const { body, reader } = read(reply.text, cuts);
      return reader.done && body === reply.body;
    }),
  );
  t.is(read(REPLIES.trailed.text, []).reader.trailers.get('aos-error'), '{}');
});

test('a reply cut short is not complete', t => {
  for (const [name, { text }] of Object.entries(REPLIES)) {
    for (let end = 0; end < text.length; end++) {
      const { reader } = read(text.slice(0, end) || ' ', []);
      t.false(reader.done || (reader.close() && reader.head !== undefined), `${name} at ${end}`);
    }
  }
});

test('a close ends a body without a length', t => {
  const { body, reader } = read('HTTP/1.1 200 OK\r\n\r\nall there is', [3]);
  t.false(reader.done);
  t.true(reader.close());
  t.is(body, 'all there is');
});

test('whatever comes instead of a reply, reading it ends in an error or in nothing', t => {
  const noise = fc.oneof(fc.string(), fc.constantFrom(...Object.values(REPLIES).map(reply => reply.text)));
  fc.assert(
    fc.property(noise, fc.nat(100), fc.string({ maxLength: 5 }), (text, at, more) => {
      try {
        read(`${text.slice(0, at)}${more}${text.slice(at)}` || ' ', [at]);
      } catch (error) {
        return error instanceof Error && error.message.includes('reply');
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.pass();
});
