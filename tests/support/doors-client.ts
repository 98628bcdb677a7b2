/** Acts on a mount: `doors-client.ts MOUNTPOINT`. Each line of stdin is `{verb, path}`; each answer a line, `ok` or an errno's name. */

import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [mountpoint = ''] = process.argv.slice(2);

const ACTS: Readonly<Record<string, (path: string) => unknown>> = {
  stat: path => statSync(path),
  list: path => readdirSync(path),
  read: path => readFileSync(path),
  write: path => send(openSync(path, 'w')),
  create: path => send(openSync(path, 'wx')),
  remove: path => unlinkSync(path),
  call: path => ask(openSync(path, 'r+')),
};

createInterface({ input: process.stdin }).on('line', line => {
  const { verb, path } = JSON.parse(line);
  console.log(outcome(() => ACTS[verb]?.(`${mountpoint}${path.replace(/^\/aos/, '')}`)));
});

function outcome(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
  }
}

function send(fd: number): void {
  try {
    writeSync(fd, 'x\n');
  } finally {
    closeSync(fd);
  }
}

function ask(fd: number): void {
  try {
    writeSync(fd, 'x');
    readSync(fd, Buffer.alloc(4096));
  } finally {
    closeSync(fd);
  }
}
