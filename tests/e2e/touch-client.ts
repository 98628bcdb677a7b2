/** Makes the system calls of one `Touch` on the mount, in a process of its own, and prints which failed and how. */

import fs from 'node:fs';

const SIZE = 4096;
const [text = ''] = process.argv.slice(2);
const { path, act, body = '', times = 1 } = JSON.parse(text);
const below = (name: string): Buffer => Buffer.from(`${process.env.AOS_MOUNT ?? ''}/${name}`, 'latin1');
const file = below(path);

function tried<T>(call: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    process.stdout.write(`${call} ${nameOf(thrown)}\n`);
    process.exit(0);
  }
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
}

function onFile(flags: number, work: (fd: number) => void): void {
  const fd = tried('open', () => fs.openSync(file, flags));
  work(fd);
  tried('close', () => fs.closeSync(fd));
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC } = fs.constants;
const write = (fd: number): void => {
  for (let i = 0; i < times; i++) tried('write', () => fs.writeSync(fd, Buffer.from(body, 'latin1')));
};
const acts: Record<string, () => void> = {
  stat: () => void tried('stat', () => fs.lstatSync(file)),
  read: () => onFile(O_RDONLY, fd => void tried('read', () => fs.readSync(fd, Buffer.alloc(SIZE)))),
  write: () => onFile(O_WRONLY | O_TRUNC, write),
  // A write at a position other than the end is a seek and a write: pwrite(2).
  seek: () => onFile(O_WRONLY, fd => void tried('pwrite', () => fs.writeSync(fd, Buffer.from('x'), 0, 1, 10))),
  call: () =>
    onFile(O_RDWR, fd => {
      write(fd);
      tried('read', () => fs.readSync(fd, Buffer.alloc(SIZE)));
    }),
  make: () => onFile(O_WRONLY | O_CREAT | O_EXCL, write),
  unlink: () => tried('unlink', () => fs.unlinkSync(file)),
  rmdir: () => tried('rmdir', () => fs.rmdirSync(file)),
  mkdir: () => tried('mkdir', () => fs.mkdirSync(file)),
  rename: () => tried('rename', () => fs.renameSync(file, below(body))),
  chmod: () => tried('chmod', () => fs.chmodSync(file, 0o777)),
};
acts[act]?.();
process.stdout.write('ok\n');
