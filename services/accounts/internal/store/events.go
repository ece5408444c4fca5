package store

// EventKind names what happened.
type EventKind string

// The kinds of events.
const (
	LoginSucceeded EventKind = "login.succeeded"
	LoginFailed    EventKind = "login.failed"
	LoginThrottled EventKind = "login.throttled"
	LoginLocked    EventKind = "login.locked"
	LoginUnlocked  EventKind = "login.unlocked"
	LoginNewDevice EventKind = "login.new_device"

	CodeSent      EventKind = "code.sent"
	CodeConfirmed EventKind = "code.confirmed"
	CodeFailed    EventKind = "code.failed"

	PasswordResetInitiated EventKind = "password.reset_initiated"
	PasswordReset          EventKind = "password.reset"
	PasswordChanged        EventKind = "password.changed"
	TermsAccepted          EventKind = "terms.accepted"

	ActivationInitiated EventKind = "activation.initiated"
	ActivationRefused   EventKind = "activation.refused"   // the address has an account
	ActivationThrottled EventKind = "activation.throttled" // the address has got enough mails for now
	ActivationFinished  EventKind = "activation.finished"
	InvitationCreated   EventKind = "invitation.created"
	InvitationSent      EventKind = "invitation.sent"
	InvitationWithdrawn EventKind = "invitation.withdrawn"
	InvitationAccepted  EventKind = "invitation.accepted"
	LinkOpenedEvent     EventKind = "link.opened"

	FactorEnrolled       EventKind = "factor.enrolled"
	FactorConfirmed      EventKind = "factor.confirmed"
	FactorRemoved        EventKind = "factor.removed"
	RecoveryCodesRenewed EventKind = "factor.recovery_codes_renewed"
	PasskeyAdded         EventKind = "passkey.added"
	PasskeyRemoved       EventKind = "passkey.removed"
	RecoveryInitiated    EventKind = "recovery.initiated"
	RecoveryConfirmed    EventKind = "recovery.confirmed"
	RecoveryApproved     EventKind = "recovery.approved"
	RecoveryRejected     EventKind = "recovery.rejected"
	RecoveryUsed         EventKind = "recovery.used"

	UserUpdated       EventKind = "user.updated"
	UserRemoved       EventKind = "user.removed" // who never came
	UserDisabled      EventKind = "user.disabled"
	UserEnabled       EventKind = "user.enabled"
	UserExported      EventKind = "user.exported"
	UserImageSet      EventKind = "user.image_set"
	UserImageRemoved  EventKind = "user.image_removed"
	EmailChangeAsked  EventKind = "user.email_change_initiated"
	EmailChanged      EventKind = "user.email_changed"
	DeletionRequested EventKind = "user.deletion_requested"
	DeletionCancelled EventKind = "user.deletion_cancelled"
	UserDeleted       EventKind = "user.deleted"

	MemberAdded        EventKind = "member.added"
	MemberUpdated      EventKind = "member.updated"
	MemberRemoved      EventKind = "member.removed"
	MemberLeft         EventKind = "member.left"
	MemberImpersonated EventKind = "member.impersonated"

	HubCreated     EventKind = "hub.created"
	HubUpdated     EventKind = "hub.updated"
	HubPlanChanged EventKind = "hub.plan_changed"
	HubDeleted     EventKind = "hub.deleted"

	IdentityLinked     EventKind = "identity.linked"
	IdentityUnlinked   EventKind = "identity.unlinked"
	IdentityAssigned   EventKind = "identity.assigned"
	IdentityUnassigned EventKind = "identity.unassigned"

	ProviderSet     EventKind = "provider.set"
	ProviderRemoved EventKind = "provider.removed"
)
