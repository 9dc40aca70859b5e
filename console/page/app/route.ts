import { signal } from '@preact/signals';

/** A location in the page: `#/conversations/T8RM2K0V9X?status=open` has a section, an id and a query. */
export interface Route {
  readonly section: string;
  readonly id: string | undefined;
  readonly query: URLSearchParams;
}

function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [section = '', id] = path.split('/');
  return { section: section || 'flow', id: id ? decode(id) : undefined, query: new URLSearchParams(query) };
}

/** An id that was entered manually can contain an invalid percent-encoding. */
function decode(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

export const route = signal(parse(location.hash));

/** Names the item that the page shows, in the document's title. */
export const itemTitle = signal<string | undefined>(undefined);

addEventListener('hashchange', () => {
  route.value = parse(location.hash);
});

/** Changes parameters of the query without an entry in the history. */
export function changeQuery(changed: Query): void {
  const { section, id, query } = route.value;
  const link = linkTo(section, id, { ...Object.fromEntries(query), ...changed });
  history.replaceState(null, '', link);
  route.value = parse(link);
}

export function linkTo(section: string, id?: string, query: Query = {}): string {
  return `#/${section}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${queryString(query)}`;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Such as `?status=open`; empty values are left out. */
export function queryString(query: Query): string {
  const parameters = Object.entries(query).flatMap(([name, value]) => (value ? [[name, String(value)]] : []));
  return parameters.length > 0 ? `?${new URLSearchParams(parameters)}` : '';
}
