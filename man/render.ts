/** Pages as plain text, 80 columns, in the order of man-pages(7). */

const WIDTH = 80;
const INDENT = 7;

export interface Section {
  readonly title: string;
  /** Each is filled to the width, unless `asIs`. */
  readonly paragraphs: readonly string[];
  readonly asIs?: boolean;
}

export function render(name: string, sections: readonly Section[]): string {
  const title = `${name.toUpperCase()}(7)`;
  const centre = 'Agent OS';
  const gap = Math.max(1, Math.floor((WIDTH - centre.length) / 2) - title.length);
  const head = `${title}${' '.repeat(gap)}${centre}`;
  const parts = sections.filter(section => section.paragraphs.length > 0).map(renderSection);
  return `${[head, ...parts].join('\n\n')}\n`;
}

function renderSection({ title, paragraphs, asIs = false }: Section): string {
  const body = asIs
    ? paragraphs
        .flatMap(text => text.split('\n'))
        .map(indented)
        .join('\n')
    : paragraphs.map(text => filled(text).map(indented).join('\n')).join('\n\n');
  return `${title}\n${body}`;
}

function filled(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(part => part !== '')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH - INDENT) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}

function indented(line: string): string {
  return line === '' ? '' : `${' '.repeat(INDENT)}${line}`;
}
