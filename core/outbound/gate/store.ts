import { Entity } from 'electrodb';
import { required } from '../../platform/configuration.ts';
import { documents, ifConditionHolds } from '../../platform/dynamodb.ts';
import { freshGate, type Gate, type GateUpdate } from './gate.ts';

/** Where gates are kept. `update` answers the gate after the write, or undefined where a condition did not hold. */
export interface GateStore {
  read(organizationId: string): Promise<Gate>;
  update(organizationId: string, update: GateUpdate): Promise<Gate | undefined>;
}

const number = { type: 'number', required: true } as const;
const text = { type: 'string', required: true } as const;

const Item = new Entity(
  {
    model: { entity: 'gate', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      nextSlotAt: number,
      tail: number,
      interval: number,
      baseInterval: number,
      epoch: number,
      calls: number,
      failures: number,
      windowStart: number,
      pacedAt: number,
      breaker: { type: ['closed', 'open'] as const, required: true },
      openUntil: number,
      trialUntil: number,
      trialBy: text,
      reason: { type: ['', 'failures', 'credentials'] as const, required: true },
      paused: { type: ['no', 'yes'] as const, required: true },
    },
    indexes: { primary: { pk: { field: 'pk', composite: ['organizationId'], casing: 'none' } } },
  },
  { client: documents, table: required('CONTROL_TABLE', 'the name of the control table') },
);

/** Gates in the control table; `callsPerSecond` is what a new one begins with. */
export function gateStore(callsPerSecond: number): GateStore {
  const find = async (organizationId: string) => (await Item.get({ organizationId }).go({ consistent: true })).data;
  return {
    async read(organizationId) {
      const gate = await find(organizationId);
      if (gate) return gate;
      const fresh = freshGate(callsPerSecond);
      await ifConditionHolds(Item.create({ organizationId, ...fresh }).go());
      return (await find(organizationId)) ?? fresh;
    },
    async update(organizationId, { when, set = {}, add = {} }) {
      const written = await ifConditionHolds(
        Item.patch({ organizationId })
          .set(set)
          .add(add)
          .where((attributes, op) =>
            when
              .map(({ field, is, value }) => {
                const attribute = attributes[field];
                if (is === '=') return op.eq(attribute, value);
                return is === '>' ? op.gt(attribute, value) : op.lte(attribute, value);
              })
              .join(' AND '),
          )
          .go({ response: 'all_new' }),
      );
      return written?.data;
    },
  };
}
