import { signal } from '@preact/signals';

/** The name of the deployed stage that the console is for; undefined on this machine, and until that is known. */
export const stage = signal<string | undefined>(undefined);
