/** Changes to a parsed script: what a redirect wrote is committed when its command ends, and output comes as it is made. */

import { type CommandNode, parse, type ScriptNode, type StatementNode, serialize, type WordNode } from 'just-bash';
import { CLOSE } from './commands.ts';
import { DEVICES } from './fs.ts';

type Redirection = Extract<CommandNode, { type: 'Group' }>['redirections'][number];
type Function = Extract<CommandNode, { type: 'FunctionDef' }>;

const OUTPUT: ReadonlySet<string> = new Set(['>', '>>', '>|', '&>', '&>>', '<>']);
/** Nothing to commit there. */
const NOWHERE: ReadonlySet<string> = new Set(['/dev/null', '/dev/stdout', '/dev/stderr']);

/** Each command with redirects to files becomes `{ command; __close N; }`, wherever it stands. */
export function committing(ast: ScriptNode): ScriptNode {
  visit(ast);
  return ast;
}

function visit(node: unknown): void {
  if (Array.isArray(node)) return node.forEach(visit);
  if (typeof node !== 'object' || node === null) return;
  for (const child of Object.values(node)) visit(child);
  if ('type' in node && node.type === 'Pipeline' && 'commands' in node && Array.isArray(node.commands)) {
    // What the parser puts into a pipeline are commands.
    node.commands = (node.commands as CommandNode[]).map(closed);
  }
}

function closed(command: CommandNode): CommandNode {
  if (command.type === 'FunctionDef' || isExec(command)) return command;
  const files = command.redirections.filter(isFile).length;
  if (files === 0) return command;
  const close: CommandNode = {
    type: 'SimpleCommand',
    assignments: [],
    name: word(CLOSE),
    args: [word(String(files))],
    redirections: [],
    ...(command.line !== undefined && { line: command.line }),
  };
  return group([statement(command), statement(close)], []);
}

function isFile({ operator, fdVariable, target }: Redirection): boolean {
  if (fdVariable !== undefined || target.type !== 'Word') return false;
  const text = literal(target);
  if (text !== undefined && NOWHERE.has(text)) return false;
  return OUTPUT.has(operator) || (operator === '>&' && (text === undefined || !/^(?:\d+-?|-)$/.test(text)));
}

/** `exec`: its redirects are the shell's own from then on. */
function isExec(command: CommandNode): boolean {
  return command.type === 'SimpleCommand' && command.name !== null && literal(command.name) === 'exec';
}

/**
 * Each statement at the top with its output redirected to the devices, which pass it on at once. Left alone: what redirects
 * the shell itself, what runs in the background, and scripts that ask for the parts of the pipeline before.
 */
export function streaming(ast: ScriptNode): ScriptNode {
  if (mentions(ast, 'PIPESTATUS')) return ast;
  return { ...ast, statements: ast.statements.map(one => (isPlain(one) ? streamed(one) : one)) };
}

function isPlain(one: StatementNode): boolean {
  if (one.background || one.deferredError !== undefined) return false;
  const commands = one.pipelines.flatMap(pipeline => pipeline.commands);
  return !commands.some(command => command.type === 'FunctionDef' || isExec(command));
}

function streamed(one: StatementNode): StatementNode {
  const to = (fd: number, path: string): Redirection => ({
    type: 'Redirection',
    fd,
    operator: '>',
    target: word(path),
  });
  return statement(group([one], [to(1, DEVICES.stdout), to(2, DEVICES.stderr)]));
}

/** A last statement that says what the next script of a session has to know. */
export function withState(ast: ScriptNode): ScriptNode {
  const dump = parse(`{ declare -p; set +o; alias; } > ${DEVICES.state} 2>/dev/null`);
  return { ...ast, statements: [...ast.statements, ...dump.statements] };
}

/** The functions that a script defines, by name, as scripts of their own. */
export function functionsOf(ast: ScriptNode): Map<string, string> {
  const found = new Map<string, string>();
  const look = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(look);
    if (typeof node !== 'object' || node === null) return;
    if (isFunction(node)) found.set(node.name, serialize({ type: 'Script', statements: [statement(node)] }));
    for (const child of Object.values(node)) look(child);
  };
  look(ast);
  return found;
}

function isFunction(node: object): node is Function {
  return 'type' in node && node.type === 'FunctionDef';
}

/** Whether the script calls `exit` somewhere. */
export function exits(ast: ScriptNode): boolean {
  let found = false;
  const look = (node: unknown): void => {
    if (found || typeof node !== 'object' || node === null) return;
    if (Array.isArray(node)) return node.forEach(look);
    // A node of this type is a simple command, and nothing else is.
    if ('type' in node && node.type === 'SimpleCommand' && isExit(node as CommandNode)) found = true;
    for (const child of Object.values(node)) look(child);
  };
  look(ast);
  return found;
}

function isExit(command: CommandNode): boolean {
  return (
    command.type === 'SimpleCommand' && command.name !== null && /^(?:exit|logout)$/.test(literal(command.name) ?? '')
  );
}

function mentions(node: unknown, name: string): boolean {
  if (typeof node === 'string') return node.includes(name);
  if (typeof node !== 'object' || node === null) return false;
  return Object.values(node).some(child => mentions(child, name));
}

function literal({ parts }: WordNode): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.type !== 'Literal' && part.type !== 'SingleQuoted') return undefined;
    text += part.value;
  }
  return text;
}

function word(value: string): WordNode {
  return { type: 'Word', parts: [{ type: 'Literal', value }] };
}

function statement(command: CommandNode): StatementNode {
  const pipelines: StatementNode['pipelines'] = [{ type: 'Pipeline', commands: [command], negated: false }];
  return { type: 'Statement', pipelines, operators: [], background: false };
}

function group(body: StatementNode[], redirections: Redirection[]): CommandNode {
  return { type: 'Group', body, redirections };
}
