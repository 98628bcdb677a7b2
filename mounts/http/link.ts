/** The Link header of RFC 8288, as far as it says where a listing goes on. */

/** Of a longer header the rest counts for nothing, in characters. */
const HEADER_MAX = 16 * 1024;

/** `<address>` and its parameters. */
const LINK = /<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g;
const PARAMETER = /;\s*([^\s=;,]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/g;

/**
 * The address of `rel="next"`, given the address that was asked: only within the base's origin and path, since what is paid
 * for here, and its headers, go nowhere else. Undefined where there is none, or where it leads back to what was asked.
 */
export function nextLink(header: string, asked: URL, base: URL): string | undefined {
  for (const [, address = '', parameters = ''] of header.slice(0, HEADER_MAX).matchAll(LINK)) {
    if (!isNext(parameters) || !URL.canParse(address, asked.href)) continue;
    const to = new URL(address, asked);
    to.hash = '';
    to.username = base.username;
    to.password = base.password;
    return isBelow(to, base) && to.href !== asked.href ? to.href : undefined;
  }
  return undefined;
}

/** Of several `rel` the first counts. A link with an anchor is about something else. */
function isNext(parameters: string): boolean {
  let rel: string | undefined;
  for (const [, name = '', quoted, token] of parameters.matchAll(PARAMETER)) {
    if (/^anchor$/i.test(name)) return false;
    if (/^rel$/i.test(name)) rel ??= quoted ?? token ?? '';
  }
  return (rel ?? '').toLowerCase().split(/\s+/).includes('next');
}

function isBelow(to: URL, base: URL): boolean {
  const top = base.pathname.replace(/\/$/, '');
  return to.origin === base.origin && (to.pathname === top || to.pathname.startsWith(`${top}/`));
}
