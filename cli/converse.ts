/** `aos sh` on a terminal: lines in, output out, until `exit` or Ctrl-D. */

import { createInterface, type Interface } from 'node:readline';
import { note, write } from './output.ts';
import type { Shell } from './verbs/sh.ts';

/** Gives the exit code of the last command. */
export async function converse(shell: Shell, agent: string | undefined): Promise<number> {
  const lines = createInterface({ input: process.stdin, output: process.stdout, historySize: 1000 });
  const typed = new Typed(lines, () => shell.interrupt());
  let code = 0;
  let cwd = '/aos';
  let script = '';
  for (;;) {
    const line = await typed.next(script === '' ? `${agent ?? 'aos'}:${cwd}$ ` : '> ');
    if (line === 'end') break;
    if (line === 'cancel') {
      script = '';
      continue;
    }
    script += `${line.text}\n`;
    if (script.trim() === '') {
      script = '';
      continue;
    }
    const over = await shell.run(script, { input: false, interactive: true }, (fd, bytes) => write(bytes, fd));
    if (over.incomplete) continue;
    script = '';
    ({ code, cwd } = over);
    if (over.exited) break;
  }
  lines.close();
  await shell.close();
  return code;
}

type Line = { readonly text: string } | 'end' | 'cancel';

class Typed {
  private readonly lines: Interface;
  /** Typed ahead, while something ran. */
  private readonly ahead: string[] = [];
  private give: ((line: Line) => void) | undefined;
  private ended = false;

  constructor(lines: Interface, interrupt: () => void) {
    this.lines = lines;
    lines.on('line', text => (this.give === undefined ? void this.ahead.push(text) : this.answer({ text })));
    lines.on('SIGINT', () => {
      if (this.give === undefined) return interrupt();
      note('^C');
      this.answer('cancel');
    });
    lines.on('close', () => {
      this.ended = true;
      // Ctrl-D leaves the cursor behind the prompt.
      if (this.give !== undefined) write('\n');
      this.answer('end');
    });
  }

  next(prompt: string): Promise<Line> {
    const text = this.ahead.shift();
    if (text !== undefined) return Promise.resolve({ text });
    if (this.ended) return Promise.resolve('end');
    return new Promise(resolve => {
      this.give = resolve;
      this.lines.setPrompt(prompt);
      this.lines.prompt();
    });
  }

  private answer(line: Line): void {
    const { give } = this;
    this.give = undefined;
    // What was half typed before Ctrl-C is forgotten.
    if (line === 'cancel') this.lines.write('', { ctrl: true, name: 'u' });
    give?.(line);
  }
}
