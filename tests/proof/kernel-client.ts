/** Does what is asked on standard input, one verb and path a line, with real system calls on a mount, and prints the errno. */

import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { errnoName } from './errno.ts';

const { O_CREAT, O_RDWR, O_WRONLY, O_TRUNC } = fs.constants;
let held = -1;
const acts: Readonly<Record<string, (path: string) => void>> = {
  stat: path => void fs.lstatSync(path),
  list: path => void fs.readdirSync(path),
  read: path => void fs.readFileSync(path),
  write: path => onFile(path, O_WRONLY | O_TRUNC, fd => void fs.writeSync(fd, 'x')),
  make: path => onFile(path, O_WRONLY | O_TRUNC | O_CREAT, fd => void fs.writeSync(fd, 'x')),
  empty: path => onFile(path, O_WRONLY | O_TRUNC, () => {}),
  create: path => fs.mkdirSync(path),
  remove: path => fs.unlinkSync(path),
  call: path =>
    onFile(path, O_RDWR, fd => {
      fs.writeSync(fd, 'x');
      fs.readSync(fd, Buffer.alloc(100));
    }),
  hold: path => {
    if (held !== -1) fs.closeSync(held);
    held = fs.openSync(path, 'r');
  },
  again: () => void fs.readSync(held, Buffer.alloc(100), 0, 100, 0),
};

function onFile(path: string, flags: number, act: (fd: number) => void): void {
  const fd = fs.openSync(path, flags);
  try {
    act(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function outcome(act: () => void): string {
  try {
    act();
    return 'ok';
  } catch (thrown) {
    return errnoName(thrown instanceof Error && 'errno' in thrown ? thrown.errno : thrown);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb = '', path = ''] = line.split(' ');
  process.stdout.write(`${outcome(() => acts[verb]?.(path))}\n`);
}
