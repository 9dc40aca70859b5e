import { signal } from '@preact/signals';
import { ago } from './format.ts';
import { Time } from './ui.tsx';

const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 15_000);

/** The time since, kept up to date, with the full time on hovering. */
export function RelativeTime({ at, prefix = '' }: { at: string; prefix?: string }) {
  // A new item may be later than the last tick.
  const until = Math.max(now.value, Date.now());
  return <Time at={at} format={(time) => `${prefix}${ago(time, until)}`} />;
}
