import test from 'ava';
import fc from 'fast-check';
import { Counted, tokensAtMost } from '../../models/prompt.ts';
import type { Message, Usage } from '../../plugin-sdk/index.ts';
import { RUNS } from '../support/property.ts';

const TOOL = { name: 'read', description: 'Reads a file.', parameters: { type: 'object' } };
const user = (text: string): Message => ({ role: 'user', text });
const usage = (input: number | null, cacheRead: number | null = null): Usage => ({
  input,
  cacheRead,
  cacheWrite: null,
  output: 1,
});

test('words of small letters are two bytes a token at most, everything else one', t => {
  t.is(tokensAtMost('ab cd'), 3);
  t.is(tokensAtMost('0123'), 4);
  t.is(tokensAtMost('AB{}'), 4);
  t.is(tokensAtMost('é'), 2);
  t.is(tokensAtMost('漢'), 3);
  t.is(tokensAtMost('😀'), 4);
});

test('no text has more tokens than bytes, and none that is not of small letters fewer', t => {
  const property = fc.property(fc.string({ unit: 'binary' }), text => {
    const bytes = Buffer.byteLength(text);
    const plain = text.replace(/[^a-z ]/g, '').length;
    const most = tokensAtMost(text);
    return most <= bytes && most >= bytes - Math.floor(plain / 2);
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test('what a server counted is known for every conversation that begins with it, on that model, with those tools', t => {
  const counted = new Counted();
  const first = { messages: [user('漢'.repeat(1000))], tools: [TOOL] };
  t.true(counted.atMost('m', first) > 3000);
  counted.learn('m', first, usage(100, 600));
  t.is(counted.atMost('m', first), 700);
  const longer = { ...first, messages: [...first.messages, user('and more')] };
  t.is(counted.atMost('m', longer), 700 + tokensAtMost(JSON.stringify(user('and more'))));
  t.true(counted.atMost('other', first) > 3000);
  t.true(counted.atMost('m', { ...first, tools: [] }) > 3000);
  t.true(counted.atMost('m', { ...first, messages: [user('x'), ...first.messages] }) > 3000);
  counted.learn('m', longer, usage(null));
  t.is(counted.atMost('m', first), 700, 'what was not counted teaches nothing');
});

test('a conversation is marked once for its question and its answer', t => {
  let read = 0;
  const message: Message = Object.assign(user('x'), {
    toJSON() {
      read += 1;
      return user('x');
    },
  });
  const prompt = { messages: [message], tools: [] };
  const counted = new Counted();
  counted.atMost('m', prompt);
  const before = read;
  counted.learn('m', prompt, usage(7));
  t.is(read, before);
  t.is(counted.atMost('m', prompt), 7);
});
