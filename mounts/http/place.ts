/** Where a page of a listing begins, and the cursor that says so. */

/** `at` names into what the service lists there, or at a link that it gave. */
export interface Place {
  readonly link: string | undefined;
  readonly at: number;
}

export function placeOf(cursor: string | undefined): Place {
  const [at = '0', link = ''] = (cursor ?? '').split(' ');
  return { at: Number(at), link: link === '' ? undefined : link };
}

export function cursorOf({ link, at }: Place): string {
  return `${at} ${link ?? ''}`;
}
