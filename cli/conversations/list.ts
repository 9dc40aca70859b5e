import {
  type ConversationSummary,
  listConversations,
  sortByLatestActivity,
  statuses,
} from '../../core/conversations/queries.ts';
import { chooseOrganizations } from '../organization.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import type { ListOptions } from './options.ts';

const customerOf = ({ participants }: ConversationSummary): string => {
  const customer = participants.find(({ type }) => type === 'customer');
  return printable(customer?.name ?? customer?.email ?? customer?.id ?? '');
};

const assignedTo = ({ assigned: { agents, groups } }: ConversationSummary): string =>
  printable([...agents, ...groups.map((group) => `group ${group}`)].join(', '));

/** The conversations with the latest activity. */
export const listThem = async ({ status, organization, limit, json }: ListOptions): Promise<void> => {
  const ids = await chooseOrganizations(organization);
  const wanted = status === undefined ? statuses : [status];
  const lists = await Promise.all(ids.map((id) => listConversations(id, wanted, limit + 1)));
  const all = sortByLatestActivity(lists.flat());
  const conversations = all.slice(0, limit);
  if (json) {
    printJson({ ok: true, conversations, more: all.length > limit });
    return;
  }
  printTable(
    ['chat', 'status', 'last activity', 'customer', 'assigned'],
    conversations.map((one) => [one.id, one.status, one.lastActivityAt.slice(0, 19), customerOf(one), assignedTo(one)]),
  );
  if (all.length > limit) print(colours.dim('There are more: --limit shows them.'));
};
