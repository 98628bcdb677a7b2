import test from 'ava';
import { channelsPlugin } from '../../channels/index.ts';
import { AosError, parsePath } from '../../plugin-sdk/index.ts';
import { caller, testCore } from '../support/core.ts';

const NULL = parsePath('/aos/channels/null');

test('null takes any message and cannot be read', async t => {
  const { aos, plugins } = await testCore();
  await plugins.admit([channelsPlugin]);
  t.deepEqual(await aos.list(caller(), parsePath('/aos/channels')), [{ name: 'null', kind: 'message' }]);
  t.notThrows(() => aos.write(caller(), NULL, Buffer.from('anything')));
  const error = t.throws(() => aos.read(caller(), NULL), { instanceOf: AosError });
  t.is(error?.errno, 'EACCES');
});
