import * as z from 'zod/mini';
import { parseInput } from './input.ts';

const described = z.object({ TableName: z.string() });
const updated = z.object({
  TableName: z.string(),
  TimeToLiveSpecification: z.object({ Enabled: z.boolean(), AttributeName: z.string() }),
});

/** DynamoDB's time to live, as far as it is switched on and shown: here nothing that has expired is removed. */
export function createTimeToLive() {
  const attributes = new Map<string, string>();

  const operations: Readonly<Record<string, (input: unknown) => unknown>> = {
    DescribeTimeToLive(input) {
      const AttributeName = attributes.get(parseInput(described, input).TableName);
      const off = { TimeToLiveStatus: 'DISABLED' };
      return { TimeToLiveDescription: AttributeName ? { TimeToLiveStatus: 'ENABLED', AttributeName } : off };
    },
    UpdateTimeToLive(input) {
      const { TableName, TimeToLiveSpecification } = parseInput(updated, input);
      if (TimeToLiveSpecification.Enabled) attributes.set(TableName, TimeToLiveSpecification.AttributeName);
      else attributes.delete(TableName);
      return { TimeToLiveSpecification };
    },
  };
  return operations;
}
