import type { FaultRequest } from './requests.ts';

/** A fault that was asked for, and what became of it. */
export interface Fault {
  readonly id: number;
  readonly request: FaultRequest;
  /** null: without end. */
  readonly remaining: number | null;
  /** How often it struck. */
  readonly struck: number;
}

/** What a fault looks at in a call. */
export interface Struck {
  readonly method: string;
  readonly region: string | undefined;
}

export interface Faults {
  readonly add: (request: FaultRequest) => Fault;
  /** The oldest fault that fits the call and whose dice fell so. It only counts once it has struck. */
  readonly next: (call: Struck) => Fault | undefined;
  readonly strike: (fault: Fault) => void;
  readonly list: () => readonly Fault[];
  readonly clear: () => void;
}

const fits = ({ request, remaining }: Fault, call: Struck): boolean => {
  if (remaining === 0) return false;
  if (request.method !== undefined && request.method !== call.method) return false;
  // Whoever follows the region is where they should be.
  return request.kind !== 'misdirected' || request.region !== call.region;
};

/** @param random a number from 0 to below 1, as of Math.random */
export const createFaults = (random: () => number): Faults => {
  const faults = new Map<number, Fault>();
  let lastId = 0;

  const add = (request: FaultRequest): Fault => {
    lastId += 1;
    const fault: Fault = { id: lastId, request, remaining: request.count ?? null, struck: 0 };
    faults.set(fault.id, fault);
    return fault;
  };

  const next = (call: Struck): Fault | undefined => {
    for (const fault of faults.values()) {
      if (fits(fault, call) && random() < (fault.request.probability ?? 1)) return fault;
    }
    return undefined;
  };

  const strike = ({ id }: Fault): void => {
    const fault = faults.get(id);
    if (fault === undefined) return;
    const remaining = fault.remaining === null ? null : fault.remaining - 1;
    faults.set(id, { ...fault, remaining, struck: fault.struck + 1 });
  };

  return { add, next, strike, list: () => [...faults.values()], clear: () => faults.clear() };
};

export const viewFault = ({ id, request, remaining, struck }: Fault) => ({ id, ...request, remaining, struck });
