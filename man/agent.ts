/** An agent's page, from its source file. */

import type { Section } from './render.ts';

/** What `source`, the parsed YAML, says; only what a reader of the agent's config.yaml sees anyway. */
export function agentSections(name: string, source: unknown): Section[] {
  const config = isRecord(source) ? source : {};
  const { persona, description, model, tools, capabilities, limits } = config;
  const summary =
    typeof description === 'string' ? description : firstSentence(typeof persona === 'string' ? persona : '');
  return [
    { title: 'NAME', paragraphs: [`${name} - ${summary || 'an agent'}`] },
    {
      title: 'SYNOPSIS',
      asIs: true,
      paragraphs: [`echo "question" > /aos/agents/${name}/inbox`, `aos invoke ${name} "question" --wait`],
    },
    { title: 'DESCRIPTION', paragraphs: typeof persona === 'string' ? persona.trim().split(/\n\s*\n/) : [] },
    { title: 'MODEL', paragraphs: [typeof model === 'string' ? model : 'the default, see /aos/models/default'] },
    { title: 'TOOLS', paragraphs: Array.isArray(tools) && tools.length > 0 ? [tools.map(String).join(', ')] : [] },
    { title: 'CAPABILITIES', asIs: true, paragraphs: Array.isArray(capabilities) ? capabilities.map(grantLine) : [] },
    {
      title: 'LIMITS',
      asIs: true,
      paragraphs: isRecord(limits) ? Object.entries(limits).map(([k, v]) => `${k}: ${plain(v)}`) : [],
    },
    {
      title: 'FILES',
      asIs: true,
      paragraphs: [`/aos/etc/agents.d/${name}.yaml`, `/aos/agents/${name}/`, `/aos/memory/agents/${name}/`],
    },
  ];
}

function grantLine(grant: unknown): string {
  if (!isRecord(grant)) return plain(grant);
  const verbs = Array.isArray(grant.verbs) ? grant.verbs.map(String).join(' ') : plain(grant.verbs);
  return `${verbs}  ${plain(grant.path)}`;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function firstSentence(text: string): string {
  const sentence = /^[^.!?\n]*/.exec(text.trim())?.[0].trim() ?? '';
  return sentence.length > 60 ? `${sentence.slice(0, 57)}...` : sentence;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
