import { freshGate, type Gate, type GateCondition, type GateUpdate } from '../../core/outbound/gate/gate.ts';
import type { GateStore } from '../../core/outbound/gate/store.ts';

export interface DecimalGate extends GateStore {
  /** As a reader gets it: each decimal as the nearest double. */
  current(): Gate;
  /** The number fields that are not whole, as the table has them. */
  crooked(): readonly string[];
}

const places = 9;
const one = 10n ** BigInt(places);

/** One gate in memory as DynamoDB keeps it: a number is a decimal, adds are exact, and conditions compare decimals. */
export function decimalGate(callsPerSecond: number): DecimalGate {
  let gate = freshGate(callsPerSecond);
  const decimals = new Map<string, bigint>();
  const write = (fields: object) => {
    for (const [field, value] of Object.entries(fields))
      if (typeof value === 'number') decimals.set(field, decimalOf(value));
  };
  const holds = ({ field, is, value }: GateCondition): boolean => {
    const kept = decimals.get(field) ?? gate[field];
    const asked = typeof value === 'number' ? decimalOf(value) : value;
    if (is === '=') return kept === asked;
    return is === '>' ? kept > asked : kept <= asked;
  };
  const apply = ({ when, set = {}, add = {} }: GateUpdate): Gate | undefined => {
    if (!when.every(holds)) return undefined;
    for (const [field, by] of Object.entries(add)) decimals.set(field, (decimals.get(field) ?? 0n) + decimalOf(by));
    write(set);
    const added = Object.keys(add).map((field) => [field, doubleOf(decimals.get(field) ?? 0n)]);
    gate = { ...gate, ...set, ...Object.fromEntries(added) };
    return gate;
  };
  write(gate);
  return {
    read: async () => gate,
    update: async (_organizationId, update) => apply(update),
    current: () => gate,
    crooked: () =>
      [...decimals].filter(([, kept]) => kept % one !== 0n).map(([field, kept]) => `${field} ${doubleOf(kept)}`),
  };
}

/** The decimal that a double is written as, scaled to a whole number. */
function decimalOf(value: number): bigint {
  const [whole = '', fraction = ''] = String(value).split('.');
  if (!/^\d+$/.test(whole) || fraction.length > places) throw new RangeError(`no decimal of a gate: ${value}`);
  return BigInt(`${whole}${fraction.padEnd(places, '0')}`);
}

function doubleOf(decimal: bigint): number {
  const digits = decimal.toString().padStart(places + 1, '0');
  return Number(`${digits.slice(0, -places)}.${digits.slice(-places)}`);
}
