/* The modules of groups: their data, and what members and admins do with them. */

import {
  GroupMetadata,
  GroupMetadataModel,
  hooks,
  ParticipantCollection,
  ParticipantModel,
} from '../groups.js';
import { createWid } from '../ids.js';
import * as membership from '../membership.js';
import * as requests from '../requests.js';

hooks.refresh = membership.refreshGroup;

const queryAndUpdateGroupMetadataById = ({ id }) => membership.refreshGroup(createWid(id));

export const groupModules = [
  {
    id: 'WAWebParticipantModel',
    exports: () => ({ default: ParticipantModel, Participant: ParticipantModel }),
  },
  {
    id: 'WAWebGroupParticipantCollection',
    dependencies: ['WAWebParticipantModel'],
    exports: () => ({ default: ParticipantCollection }),
  },
  {
    id: 'WAWebGroupMetadataModel',
    exports: () => ({ default: GroupMetadataModel, GroupMetadata: GroupMetadataModel }),
  },
  {
    id: 'WAWebGroupMetadataCollection',
    dependencies: ['WAWebGroupMetadataModel'],
    exports: () => ({ default: GroupMetadata }),
  },
  {
    id: 'WAWebGroupQueryJob',
    dependencies: ['WAWebGroupMetadataCollection'],
    exports: () => ({
      queryAndUpdateGroupMetadataById,
      queryGroupInvite: membership.queryGroupInvite,
    }),
  },
  {
    id: 'WAWebGroupCreateJob',
    exports: () => ({
      createGroup: membership.createGroup,
      GroupAlreadyExistsError: membership.GroupAlreadyExistsError,
    }),
  },
  {
    id: 'WAWebGroupInviteJob',
    exports: () => ({
      joinGroupViaInvite: membership.joinGroupViaInvite,
      resetGroupInviteCode: membership.resetInviteCode,
      queryGroupInviteCode: membership.fetchInviteCode,
    }),
  },
  {
    id: 'WAWebMexFetchGroupInviteCodeJob',
    exports: () => ({ fetchMexGroupInviteCode: async (id) => (await membership.fetchInviteCode(id)).code }),
  },
  { id: 'WAWebExitGroupAction', exports: () => ({ sendExitGroup: membership.sendExitGroup }) },
  {
    id: 'WAWebGroupModifyInfoJob',
    exports: () => ({
      setGroupSubject: membership.setGroupSubject,
      setGroupDescription: membership.setGroupDescription,
      setGroupProperty: membership.setGroupProperty,
    }),
  },
  {
    id: 'WAWebSetPropertyGroupAction',
    exports: () => ({
      setGroupProperty: membership.setGroupProperty,
      sendSetGroupProperty: membership.setGroupProperty,
    }),
  },
  {
    id: 'WAWebModifyParticipantsGroupAction',
    exports: () => ({
      addParticipants: membership.addParticipants,
      removeParticipants: membership.removeParticipants,
      promoteCommunityParticipants: membership.promoteParticipants,
      demoteCommunityParticipants: membership.demoteParticipants,
      promoteParticipants: membership.promoteParticipants,
      demoteParticipants: membership.demoteParticipants,
    }),
  },
  {
    id: 'WAWebGroupModifyParticipantsJob',
    exports: () => ({
      addGroupParticipants: membership.addGroupParticipants,
      removeGroupParticipants: membership.removeGroupParticipants,
      promoteGroupParticipants: membership.promoteGroupParticipants,
      demoteGroupParticipants: membership.demoteGroupParticipants,
    }),
  },
  {
    id: 'WAWebGroupGetMembershipApprovalRequestsJob',
    exports: () => ({
      queryAndUpdateGroupMembershipApprovalRequests: requests.refreshJoinRequests,
    }),
  },
  {
    id: 'WASmaxGroupsAddParticipantsRPC',
    exports: () => ({ sendAddParticipantsRPC: requests.sendAddParticipantsRPC }),
  },
  {
    id: 'WASmaxGroupsMembershipRequestsActionRPC',
    exports: () => ({ sendMembershipRequestsActionRPC: requests.sendMembershipRequestsActionRPC }),
  },
  {
    id: 'WAWebApiMembershipApprovalRequestStore',
    exports: () => ({ getMembershipApprovalRequests: requests.joinRequests }),
  },
];
