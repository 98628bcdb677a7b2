/** The run loop: ask the model, use the tools it asks for, until it has answered or something stops it. */

import {
  AosError,
  asAosError,
  type Message,
  type PluginApi,
  type PricedEvent,
  type ToolCall,
  type ToolSpec,
  type Usage,
} from '../plugin-sdk/index.ts';
import { type AskApi, affordable } from './affordable.ts';
import { inviterCaller } from './caller.ts';
import { cutForMoney, cutWhy } from './cut.ts';
import { moveSession, remember } from './history.ts';
import { keepLengths } from './lengths.ts';
import { opening } from './prompt.ts';
import { HALT_CODES, type Run } from './run.ts';
import { breakOff, isAnswer } from './stream.ts';
import { Halted } from './switch.ts';
import { toolSpecs, useTool } from './tools.ts';

export type LoopApi = AskApi & Pick<PluginApi, 'self' | 'state' | 'log'>;

/** Runs from start to end. Never rejects: whatever is thrown becomes the one end of the run. */
export async function execute(api: LoopApi, run: Run): Promise<void> {
  const timer = setTimeout(() => {
    run.stop('timeout', `it took longer than its ${run.plan.timeoutMs / 1000} s`, true);
  }, run.plan.timeoutMs);
  timer.unref();
  try {
    run.begin();
    await converse(api, run);
    run.close(0, 'completed');
    await keep(api, run);
  } catch (thrown) {
    fail(api, run, thrown);
  } finally {
    clearTimeout(timer);
  }
}

/** The end of a run that did not complete. */
function fail(api: LoopApi, run: Run, thrown: unknown): void {
  const { halt } = run;
  if (halt !== undefined) {
    run.close(HALT_CODES[halt.reason], halt.reason, halt.message);
    return;
  }
  const error = asAosError(thrown, 'procs', `/aos/procs/${run.pid}`);
  if (!(thrown instanceof AosError)) api.log.error({ pid: run.pid, err: thrown }, 'a run failed');
  const reason = error.kind === 'budget' ? 'budget' : error.kind === 'timeout' ? 'timeout' : 'failed';
  run.close(error.exitCode, reason, error.message);
}

/** A run that has answered has ended well, even where its turn could not be kept for the next one. */
async function keep(api: LoopApi, run: Run): Promise<void> {
  const { lengths } = run.tally;
  try {
    if (lengths !== undefined) keepLengths(api, run.info.agent, lengths);
    if (run.output !== '') await remember(api, run);
  } catch (thrown) {
    api.log.error({ pid: run.pid, err: thrown }, 'a turn could not be kept for its session');
  }
}

async function converse(api: LoopApi, run: Run): Promise<void> {
  await run.pass();
  const inviter = inviterCaller(run.plan, run.pid);
  const { messages, earlier } = await run.soft.race(opening(api, run.plan, run.info.session, inviter));
  const { turns, forkedFrom } = earlier;
  run.goOn(
    turns.map(turn => turn.link),
    forkedFrom,
  );
  if (run.plan.context !== null) moveSession(api, run, earlier);
  const tools = await run.soft.race(toolSpecs(api, run.plan.agent.tools, run.soft));
  for (let turn = 0; turn < run.plan.agent.maxTurns; turn++) {
    await run.pass();
    takeStdin(run, messages);
    const calls = await ask(api, run, messages, tools);
    messages.push({ role: 'assistant', text: run.said, toolCalls: calls });
    run.spend.flush();
    for (const call of calls) {
      await run.pass();
      messages.push(await useTool(api, run, call));
    }
    if (run.halt !== undefined) throw new Halted();
    if (calls.length === 0 && run.inbox.length === 0) return;
  }
  throw new AosError('out_of_range', {
    component: 'procs',
    path: `/aos/procs/${run.pid}`,
    why: `it asked the model ${run.plan.agent.maxTurns} times and was not done`,
    remedy: 'raise limits.max_turns of the agent, or ask for less at a time',
  });
}

function takeStdin(run: Run, messages: Message[]): void {
  for (const text of run.inbox.splice(0)) {
    run.hear(text);
    messages.push({ role: 'user', text });
  }
}

/** One request to the model. What it says is passed on as it comes; gives the tools it wants used. */
async function ask(
  api: LoopApi,
  run: Run,
  messages: readonly Message[],
  tools: readonly ToolSpec[],
): Promise<ToolCall[]> {
  run.nextTurn();
  const { answer, wished } = await affordable(api, run, messages, tools);
  const before = run.usage;
  const calls: ToolCall[] = [];
  let usage: Usage | undefined;
  let cut = false;
  try {
    for await (const event of streamOf(run, answer)) {
      if (event.kind === 'text') run.say(event.text);
      else if (event.kind === 'tool_call') calls.push(event.call);
      else if (event.kind === 'cost') run.spend.streamed(event.micros);
      else if (event.kind === 'usage') {
        count(run, before, event.usage);
        usage = event.usage;
      } else cut = event.reason === 'length';
    }
  } catch (thrown) {
    throw cut ? cutForMoney(run, thrown, usage) : thrown;
  }
  run.tally.add(usage);
  if (cut) run.trace('error', { code: 'length', message: cutWhy(run, wished, usage) });
  if (run.halt !== undefined) throw new Halted();
  return calls;
}

/** The model's events, with every wait open to a halt, and none asked for while the run is paused. */
async function* streamOf(run: Run, answer: unknown): AsyncGenerator<PricedEvent> {
  if (!isAnswer(answer)) {
    throw new AosError('upstream', {
      component: 'procs',
      path: run.plan.model.path,
      why: 'the model gave no stream of events',
      remedy: 'choose another model',
    });
  }
  const events = answer[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      await run.pass();
      const next = await run.soft.race(events.next());
      over = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!over) await breakOff(events);
  }
}

function count(run: Run, before: Usage, now: Usage): void {
  run.usage = {
    input: sum(before.input, now.input),
    cacheRead: sum(before.cacheRead, now.cacheRead),
    cacheWrite: sum(before.cacheWrite, now.cacheWrite),
    output: sum(before.output, now.output),
  };
  run.contextTokens = sum(now.input, now.output);
}

/** Null is unknown, not 0, and stays where nobody ever said. */
function sum(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}
