import { signal } from '@preact/signals';
import * as z from 'zod/mini';
import { parseJson } from '../../../core/platform/json.ts';
import { linkTo, route } from './route.ts';

const items = z.array(z.object({ section: z.string(), link: z.string(), title: z.string() }));
const storageKey = 'recent';
const maxItems = 8;

/** The items that were opened last, latest first. They name customers, so the browser keeps them only as long as the tab. */
export const recent = signal(items.safeParse(parseJson(sessionStorage.getItem(storageKey) ?? '')).data ?? []);

/** Adds the item that the page shows. */
export function rememberItem(title: string): void {
  const { section, id, query } = route.value;
  const link = linkTo(section, id, { organizationId: query.get('organizationId') ?? undefined });
  const others = recent.value.filter((item) => item.link !== link);
  recent.value = [{ section, link, title }, ...others].slice(0, maxItems);
  sessionStorage.setItem(storageKey, JSON.stringify(recent.value));
}
