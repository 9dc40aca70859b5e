import type { TableLayout } from './table.ts';

/** Short-lived records that coordinate work; each is one item, and every one expires. */
export const controlTable = { partitionKey: 'pk', indexes: [], expiry: 'expires' } as const satisfies TableLayout;
