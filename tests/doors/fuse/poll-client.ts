/** Reads a file to its end, says so, waits in poll(2) until there is more, and prints that. */

import { openSync, readSync } from 'node:fs';
import { syscalls } from '../../../doors/fuse/syscalls.ts';

const fd = openSync(process.argv[2] ?? '', 'r');
const buffer = Buffer.alloc(4096);
process.stdout.write(buffer.subarray(0, readSync(fd, buffer, 0, 4096, null)));
process.stdout.write('waiting\n');
const sys = syscalls();
const fds = sys.memory(8);
fds.bytes.writeInt32LE(fd, 0);
fds.bytes.writeInt16LE(1, 4);
sys.ppoll(fds.address, 1, 0);
process.stdout.write(buffer.subarray(0, readSync(fd, buffer, 0, 4096, null)));
