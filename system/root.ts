/** The files at the top of the tree: how to use it, and what keeps indexers out. */

import { value } from '../plugin-sdk/index.ts';

const README = `# /aos

This directory is Agent OS: agents, their runs, conversations and memory, as files. Everything here works with the tools
you know: ls, cat, echo, grep, tail -f.

    ls agents                               who is there
    echo "What is in memory?" > agents/researcher/inbox
                                            ask an agent; one write is one message (at most 64 KiB)
    tail -f agents/researcher/stream        watch the answer come
    cat agents/researcher/output            the last whole answer
    cat agents/researcher/status            idle, running, paused or error
    ls procs                                the runs; procs/N/status, stdout, stderr (the trace), cost
    echo stop > procs/N/ctl                 stop, kill, pause or resume a run
    ls conversations                        every turn, by date; by-agent/, sessions/ and active/ are views
    echo /aos/conversations/YYYY/MM/DD/ID/context.ctx > agents/researcher/context
                                            its next run goes on from that turn; aos resume and aos fork do it, too
    grep -r "words" conversations memory    find what was said or noted
    echo "a fact" >> memory/notes.md        memory is plain files, for you and the agents
    cat models/default                      which model answers, and why
    etc/agents.d/NAME.yaml                  what an agent is: its operator changes it there, never in agents/
    cat system/errors                       the last refusals, newest first: what, why and what to do
    ls mnt                                  what is mounted from outside; locked until somebody says: aos unlock /aos/mnt/NAME --duration=30m
    cat system/budget/*                     what you may still spend, and when it resets; system/leases/ what is unlocked

A refusal has an errno; the reason and the remedy are in system/errors, or by: aos why
Manual pages are in man/. The command line (aos --help) does the same things, with flags.
`;

/** Both git and ripgrep read patterns from the directory down: the leading slash keeps them to this one. */
const IGNORED = '# What changes by itself is not for indexing.\n/*\n!/conversations\n!/memory\n';

export const rootRoutes = {
  '/README.md': value({ read: () => README }),
  '/.gitignore': value({ read: () => IGNORED }),
  '/.ignore': value({ read: () => IGNORED }),
  '/.noindex': value({ read: () => '' }),
  '/.metadata_never_index': value({ read: () => '' }),
  // The signature of bford.info/cachedir.
  '/CACHEDIR.TAG': value({ read: () => 'Signature: 8a477f597d28d172789f06886806bc55' }),
};
