/** One bash, and what lasts in it from one script to the next. Runs in the shell's thread. */

import { Bash, type ScriptNode } from 'just-bash';
import { bundled, commandsOver } from './commands.ts';
import { explained } from './errors.ts';
import { DEVICES, TreeFs } from './fs.ts';
import { isIncomplete, readsInput } from './input.ts';
import type { Begin } from './protocol.ts';
import { Remote, type Send } from './remote.ts';
import { exits, functionsOf, prepared, streaming, withState } from './script.ts';
import { toBytes, toText } from './text.ts';

export type Output = (fd: 1 | 2, bytes: Uint8Array) => void;

export interface Script {
  readonly stdin: Uint8Array | (() => Promise<Uint8Array>) | undefined;
  readonly interactive: boolean;
  readonly signal: AbortSignal;
}

export interface Ended {
  readonly code: number;
  /** The script goes on on a further line, and was not run. */
  readonly incomplete: boolean;
  /** The script asked for the session's end. */
  readonly exited: boolean;
  readonly cwd: string;
}

/** Room for what a shell needs before it does anything. */
const MEMORY_BYTES_MIN = 1024 * 1024;

export class Interpreter {
  private readonly bash: Bash;
  private readonly fs: TreeFs;
  private readonly output: Output;
  private readonly functions = new Map<string, string>();
  private env: Record<string, string>;
  cwd: string;
  /** Re-makes arrays, options and aliases. */
  private prologue = '';
  private state: string | undefined;
  /** Of the script's own last statement. */
  private status: number | undefined;
  private ast: ScriptNode | undefined;

  constructor(begin: Begin, send: Send, output: Output) {
    this.output = output;
    // The shell's own commands are files too.
    const memory = Math.max(begin.limits.fileBytes, MEMORY_BYTES_MIN);
    this.fs = new TreeFs(new Remote(send), (path, content) => this.device(path, content), memory);
    this.cwd = begin.cwd;
    this.env = environment(begin);
    this.bash = new Bash({
      fs: this.fs,
      cwd: begin.cwd,
      env: this.env,
      commands: bundled(),
      customCommands: commandsOver(this.fs, status => {
        this.status = status;
      }),
      processInfo: { uid: begin.uid, gid: begin.gid },
      executionLimits: {
        maxExecutionTimeMs: begin.limits.timeMs,
        maxOutputSize: begin.limits.outputBytes,
        maxCommandCount: begin.limits.commands,
        maxLoopIterations: begin.limits.loops,
        maxStringLength: memory,
        maxInputBytes: memory * 4,
        maxFileSystemBytes: memory,
      },
    });
    this.bash.registerTransformPlugin({ name: 'redirects', transform: ({ ast }) => ({ ast: this.changed(ast) }) });
  }

  async run(script: string, { stdin, interactive, signal }: Script): Promise<Ended> {
    if (interactive && isIncomplete(script)) return { code: 0, exited: false, incomplete: true, cwd: this.cwd };
    const input = typeof stdin === 'function' ? (readsInput(script) ? await stdin() : undefined) : stdin;
    this.state = undefined;
    this.status = undefined;
    this.ast = undefined;
    const result = await this.bash.exec(`${this.prologue}${script}`, {
      rawScript: true,
      cwd: this.cwd,
      env: this.env,
      signal,
      ...(input !== undefined && { stdin: toText(input) }),
    });
    await this.fs.closeWriters();
    if (result.stdout !== '') this.output(1, toBytes(result.stdout));
    this.errors(result.stderr);
    const exited = this.keep(result.env);
    return { code: this.status ?? result.exitCode, exited, incomplete: false, cwd: this.cwd };
  }

  /** Only the script itself is streamed; what its commands run in turn is only made to commit. */
  private changed(ast: ScriptNode): ScriptNode {
    if (this.ast !== undefined) return prepared(ast);
    this.ast = ast;
    for (const [name, source] of functionsOf(ast)) this.functions.set(name, source);
    return withState(streaming(prepared(ast)));
  }

  private device(path: string, content: string): void {
    if (path === DEVICES.stdout) this.output(1, toBytes(content));
    else if (path === DEVICES.stderr) this.errors(content);
    else this.state = content;
  }

  private errors(stderr: string): void {
    const said = explained(stderr.replace(TRACES, ''), this.fs.remote.takeFailures(), undefined);
    if (said !== '') this.output(2, toBytes(said));
  }

  /** Whether the session is over. A script that stopped early changes nothing. */
  private keep(env: Record<string, string>): boolean {
    if (this.state === undefined) return this.ast !== undefined && exits(this.ast);
    const { '?': _status, ...rest } = env;
    this.env = rest;
    this.cwd = rest.PWD ?? this.cwd;
    this.prologue = [...this.functions.values(), ...lasting(this.state)].map(line => `${line.trimEnd()}\n`).join('');
    return false;
  }
}

/** What `set -x` would say of the commands that are not the script's own. */
const TRACES = /^\++ \/usr\/bin\/__\w+.*\n/gm;

/** Names that bash itself makes. */
const OWN = /^(?:BASH|DIRSTACK|FUNCNAME|GROUPS|PIPESTATUS)/;
/** `[key]="value"` in what `declare -p` prints. */
const ELEMENT = /\[((?:'[^']*'|\\.|[^\]'])*)\]=("(?:\\.|[^"\\])*"|\$?'(?:\\.|[^'\\])*'|[^\s)]*)/g;

/** Of what the state's last statement printed: the lines that make it again. Plain variables come by another way. */
function lasting(state: string): string[] {
  const lines = state.split('\n');
  const options = /^set [-+]o (?:errexit|nounset|pipefail|noglob|noclobber|allexport|xtrace|verbose)$/;
  const aliases = lines.filter(line => line.startsWith('alias '));
  return [...lines.flatMap(arrayAgain), ...aliases, ...lines.filter(line => options.test(line))];
}

/** Element by element: of a list in brackets the shell does not take quoted values back whole. */
function arrayAgain(line: string): string[] {
  const [, flags = '', name = '', list = ''] = /^declare -([A-Za-z]*) (\w+)=\((.*)\)$/.exec(line) ?? [];
  if (!/a/i.test(flags) || flags.includes('r') || OWN.test(name)) return [];
  const elements = [...list.matchAll(ELEMENT)].map(([, key, value]) => `${name}[${key}]=${value}`);
  return [`declare -${flags} ${name}`, ...elements];
}

function environment({ cwd, env, agent }: Begin): Record<string, string> {
  return {
    HOME: '/aos',
    USER: agent ?? 'user',
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    PWD: cwd,
    ...(agent !== undefined && { AOS_AGENT: agent }),
    ...env,
  };
}
