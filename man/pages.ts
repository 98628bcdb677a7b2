/** The pages of the directories at the top of the tree. */

export interface Page {
  readonly summary: string;
  readonly synopsis: readonly string[];
  readonly about: readonly string[];
}

export const PAGES: Readonly<Record<string, Page>> = {
  agents: {
    summary: 'the agents, each a directory',
    synopsis: [
      'echo "question" > /aos/agents/NAME/inbox',
      'cat /aos/agents/NAME/output',
      'tail -f /aos/agents/NAME/stream',
    ],
    about: [
      'Writing to inbox starts a run, one message for each open and close. It takes plain text, or one JSON object with "prompt" and, if wanted, "override", "session", "context", "branches", "idempotency_key".',
      'status is idle, running, paused or error; cost is what the current session has spent, in dollars; output is the last completed answer; stream is the current one as it arrives.',
      'config.yaml shows the source below /aos/etc/agents.d and cannot be written; prefs.yaml takes keys of style. Writing "new" to session begins a new conversation.',
    ],
  },
  procs: {
    summary: 'the runs of agents, by aos pid',
    synopsis: ['cat /aos/procs/PID/status', 'tail -f /aos/procs/PID/stderr', 'echo stop > /aos/procs/PID/ctl'],
    about: [
      'stdout is the answer, stderr the trace, one JSON object a line. A message to stdin joins the conversation before the next turn.',
      'ctl takes stop, kill, pause and resume. exit appears at the end, with code, reason, cost and duration. A finished run stays listed for a minute.',
    ],
  },
  conversations: {
    summary: 'every turn that was run, as plain files',
    synopsis: [
      'ls /aos/conversations/YYYY/MM/DD',
      'grep -r WORD /aos/conversations',
      'cat /aos/conversations/YYYY/MM/DD/ID/transcript.md',
      'aos resume ID "what next?"',
      'aos fork ID --prompt "another way?" -n 3',
    ],
    about: [
      'A turn is a directory with meta.json, transcript.md, transcript.jsonl, cost.json, summary.md, tools/ and more. It is written as the run goes; a finished one never changes.',
      'context.ctx has what was asked and answered, and names the turns before by hash. Its path as "context" of a message, or written to the context file of an agent, makes a run go on from there.',
      'sessions/, by-agent/, by-tag/ and active/ show the same turns as links.',
    ],
  },
  memory: {
    summary: 'files that agents and people keep',
    synopsis: ['echo "decided: ..." >> /aos/memory/notes.md', 'grep -rn WORD /aos/memory'],
    about: [
      'An ordinary directory. agents/NAME/ is what each agent keeps for itself. The tool search looks through all of it.',
    ],
  },
  channels: {
    summary: 'where messages can be sent',
    synopsis: ['echo "text" > /aos/channels/null'],
    about: ['null takes anything and drops it.'],
  },
  mnt: {
    summary: 'what is mounted from outside',
    synopsis: ['aos mount --list', 'aos ls --cursor=CURSOR /aos/mnt/NAME/DIR'],
    about: [
      'Each mount is locked when it is made. aos unlock PATH --duration=30m opens one for a while.',
      'A listing holds at most 1,000 names. One that was cut has a file .more.json with "next", the cursor from which aos ls --cursor goes on.',
    ],
  },
  models: {
    summary: 'the models, by provider',
    synopsis: [
      'cat /aos/models/default',
      'cat /aos/models/PROVIDER/MODEL/pricing',
      'cat /aos/models/PROVIDER/available',
    ],
    about: [
      'default names the model that answers where none is asked for, why, and why no other. Each model has info, pricing, limits, available and status. A slash within the name of a model is written %2F.',
      'A price is in dollars for a million tokens, or unknown. A model of unknown price is refused unless it is local or --allow-unknown-cost is given.',
    ],
  },
  tools: {
    summary: 'what agents may call',
    synopsis: ['cat /aos/tools/NAME/schema.json', `aos write /aos/tools/search/call --value '{"query":"database"}'`],
    about: [
      'A tool acts with the authority of whoever calls it. Write one JSON object to call and read the reply on the same handle.',
      'Writing false to enabled switches a tool off for everyone, true on again.',
    ],
  },
  system: {
    summary: 'the daemon: status, money, refusals, audit',
    synopsis: [
      'cat /aos/system/status',
      'cat /aos/system/errors',
      'cat /aos/system/budget/*',
      'tail -f /aos/system/audit.jsonl',
      `aos write /aos/system/unlock --value '{"path":"/aos/mnt/NAME","duration":"30m"}'`,
      `aos write /aos/system/lock --value '{"path":"/aos/mnt/NAME"}'`,
      'echo reset > /aos/system/breaker',
    ],
    about: [
      'errors holds the last refusals of the reader, with what to do about each; aos why prints them. blocked has those for want of money.',
      'unlock takes one JSON object and gives the lease as another, on the same handle: "path", "duration", and if wanted "budget_usd" and "scope", which is session, uid or agent:NAME. leases shows what is open for the reader. aos unlock and aos lock do the same.',
      'budget says what the reader may spend and when that resets, spend what was spent. Writing reset to breaker lets money flow again after the limit of the machine was reached.',
    ],
  },
  etc: {
    summary: "the operator's own files",
    synopsis: ['ls /aos/etc/agents.d', 'vi /aos/etc/agents.d/NAME.yaml'],
    about: [
      'agents.d/NAME.yaml makes an agent. A change holds for later runs; one that is not valid leaves the last good one in force and says so in /aos/agents/NAME/.error.',
    ],
  },
  man: {
    summary: 'these pages',
    synopsis: ['cat /aos/man/NAME'],
    about: ['One page for each directory at the top of the tree and for each agent.'],
  },
};
