import { type ConversationDetail, findConversations } from '../../core/conversations/queries.ts';
import { CliError, UsageError } from '../errors.ts';

/** @throws CliError where there is none; UsageError where two organizations have one of this id */
export const theConversation = async (id: string, organization: string | undefined): Promise<ConversationDetail> => {
  const among = organization === undefined ? undefined : [organization.toLowerCase()];
  const [found, another] = await findConversations(id, among);
  if (!found)
    throw new CliError(`There is no conversation ${id}. \`livechat conversations list\` shows those there are.`);
  if (another) throw new UsageError(`More than one organization has a conversation ${id}: give --organization.`);
  return found;
};
