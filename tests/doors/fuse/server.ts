/** Mounts a small tree in a process of its own: `server.ts DIR DRIVER`. Says `mounted`, then `gone`; SIGTERM unmounts. */

import { startFuse } from '../../../doors/fuse/index.ts';
import { FakeApi } from './fake.ts';

const [mountpoint = '', driver = 'kernel'] = process.argv.slice(2);
const api = new FakeApi();
api.aos.add('/aos/value', 'value', 'hello\n');
api.aos.add('/aos/inbox', 'message');
api.aos.add('/aos/call', 'call');
api.aos.add('/aos/files/f', 'file', 'file\n');
api.aos.add('/aos/link', 'link', 'value');
const door = await startFuse(api, {
  mountpoint,
  driver: driver === 'fuse-native' ? 'fuse-native' : 'kernel',
  allowOther: false,
});
process.on('SIGTERM', () => {
  door.stop();
});
console.log('mounted');
await door.gone;
console.log('gone', JSON.stringify(api.aos.node(parsed('/aos/inbox')).received), api.aos.callers.at(-1)?.uid);

function parsed(path: string): Parameters<typeof api.change>[0] {
  // A constant of this file.
  return path as Parameters<typeof api.change>[0];
}
