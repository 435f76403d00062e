"""Names of fields and values of enums, which messages about errors repeat.

Each is spelt without underscores and in lower case, because gateways and frameworks change that:
`jurisdiction_code` is `JurisdictionCode` in the errors of ASP.NET. A test compares the list with
the models.
"""

from typing import Final

__all__ = ["NAMES"]

_FIELDS: Final = """
    acceptancetime account accountconnectionid accountconnectionids accountdatecreated
    accountdateupdated accountname accounts accounttype accounturl adddirectors
    additionalinformation address addressline1 addressline2 addressline3 addressline4
    affordabilityinsightsrequests afterrequestid allowableexpenses allowancesandreliefs
    amendedaccounts amortisation amount annualgrosspay appointments attemptid averageincomeitems
    averagetaxitems averagevalue baddebts balances balancesheet balancingpaymentforthisyear
    bankconnectionid bankconnectionurl bankliabilities bankliabilitiesdueafter1year birthdate
    birthday birthmonth birthyear bonuses bookingdatetime branch branchstatus buildingname
    calledupsharecapital capitalgainstax capitalstructure caseid casetype cash cashflow
    categories category chargecode charges checklistparams city classification code commentaries
    commentary companies companyid companyinformation companyname companynumber companystatus
    complete completed completnessverification consolidatedaccounts contingentliabilities
    controllingentity country countrycode courtname createdon creditlimit creditlimitcurrency
    creditlimithistory creditordays creditrating creditratinghistory creditreportrequests
    currency currencyconversionrate currentdebtratio currentratio data dataprovider datasourceid
    datasources date dateappointed datecreated datedissolved dateestablished datefrom
    dateofbirth dateofexpiry dateofissue dateresigned dates datetimecompleted datetimeconnected
    datetimecreated datetimeexpiry datetimelastmodified datetimelastrefreshed datetimerefreshed
    datetimerequested datetimeupdated dateto dateupdated dateuploaded debtordays decision
    decisiontime deliveredon depreciation description detaileddeductionitems detailedpayitems
    details directurl displayname dividends dividendsfrompartnerships dividendsfromukcompanies
    document documentid documenttype documenturi domaincode duedate email emailaddress
    emaildomain emails emailtype employeeaddress employeeaddresses employeename employeenumber
    employeenumbers employer employername employmentincome enddate entity entityid entitytype
    equityinpercentage eventdata eventgroupname eventname eventstatus eventtype eventtypes
    excludeinactive externalref extraordinarycosts extraordinaryincome familycode file filename
    filetype filingdate filings filingtype financialexpenses financialincome financialstatements
    finishedgoods firstname firstpaymentonaccountfornextyear foreigncontrollingentity
    foreigndividends foreignincome foreignsavings fulladdress fullname fullnumber fuzziness
    gainsonlifeinsurancepolicies gearing gender genericlegalform globalreports goodwill grosspay
    group groupingid grouppayables grouppayablesdueafter1year groupreceivables
    hasinsolvencyhistory holdingpercentage holdingpercentageband housenumber httpresponsecode
    identifications identityverificationrequests income incomedatasources incomedetails
    incomeemployerrequests incomefrombenefits incomefromemployments incomerecipient incomesource
    incomesourceaddress incomesourceaddresses incomesourcedata incometype incomeverification
    index indicators industrycodes insolvencies institutionlogo institutionname
    integritycheckname integritycheckrequests integritycheckversion integritytypeid
    interestfrompartnerships interestfromukbanks internationalcreditrating
    internationalcreditratingdescription investments isobanktransactioncode isofficer
    issuedcapital issuer itemsperpage jobtitle jobtitles judgments jurisdictioncode keyword
    landandbuildings lastaccounts lastname liquidityratiooracidtest loanstogroup
    localcreditrating localcreditratingdescription locality longdescription madeupto
    maximumvalue media mediaadverserequested merchant merchantcategory merchantname message
    metadata mimetype minimumvalue minorityinterests miscellaneousfixedassets
    miscellaneousliabilities miscellaneousliabilitiesdueafter1year miscellaneousreceivables
    monitored month monthlydata monthlydeductions monthlydeductionsdetails monthlygrosspay
    monthlygrosspaydetails monthlynetpay monthlystudentloandeductions name nationalinsurance
    nationalinsuranceletter nationalinsuranceletters nationalinsurancenumber nationality
    nationalpercentile naturesofcontrol netincome netpay nettaxdue networth nextaccounts
    nextpageurl nominalcapital nonemploymentincome number numberofcompanies numberofofficers
    numberofowners numberofpersons numberofshares numberofsources numberoftransactions
    numberofweeks numbertype occupation officerrole officers officialaddress onlineaccounts
    onlinedatarequests operatingcosts operatingprofit originalcurrency otheramountspaidviatax
    otherappropriations othercurrentassets otherfinancials otherincome otherintangibleassets
    otherinventories otherloans otherloansorfinance otherloansorfinancedueafter1year
    otherreserves othertangibleassets othertaxreductionsandreliefs outstandingfromlastyear
    overdue owner ownerid owners ownership ownersname ownertype pagecount pagesize
    paginationdirection paginationmetadata path payereference payereferences payfrequencies
    payfrequency paymentdate payments payperiod payperiodenddate payperiodstartdate payslipdate
    pensioncosts people pepsanctionrequested periodend periodstart person personid persons
    personsentitled phones picklist picklistindex placeofbirth plantandmachinery postaladdress
    postcode present pretaxprofitmargin previouscompanynames previouspageurl
    probabilityofdefault profitaftertax profitandloss profitbeforetax profitfrompartnerships
    profitfromselfemployment profitfromuklandandproperty proprietarybanktransactioncode
    provideddate providerid providername providerurl quantity rate ratingdate ratios
    rawmaterials receivablesdueafter1year recipient reference referencecustomerid
    referencecustomername referencenumber referencepersonid region registrydatarequests
    registrylegalform registryname registrysearch registrystatus registryurl requestattempts
    requestid retainedprofit returnoncapitalemployed returnonnetassetsemployed
    returnontotalassetsemployed revenue revenuereserves roles rulename rules
    salesornetworkingcapital satisfiedon searchcertificateuri searchref searchterm
    secondpaymentonaccountfornextyear secureddetails seen sentiment sharedkey shareholders
    sharepremium shareschemes sharevalue shortdescription sikoiadocumenttype size source
    sourcecategorytype sourcedate sourceid sourcename sources sourcetype sourceuri sourceuris
    specialcharacteristics stage startdate status statuscodes stockturnoverratio
    studentloanrepayments subbuildingname subcategories subcategory subfamilycode subtotal
    summary summaryinfo summaryline surname tax taxalreadypaidforthisyear taxandcharges
    taxchargedafterreliefs taxchargedbeforereliefs taxcode taxcodes taxdeducted taxdue taxid
    taxinformation taxreliefforfinancingcosts total totalassets totalcurrentassets
    totalcurrentliabilities totaldebtratio totaldeductions totalfixedassets totalincome
    totalintangibleassets totalinventories totalliabilities totallongtermliabilities
    totalmatches totalotherfixedassets totalreceivables totalshareholdersequity
    totaltangibleassets totaltaxdue totalvalue tradepayables tradepayablesdueafter1year
    tradereceivables transactionid transactions trustsandestates type ukpensionsandstatebenefits
    uniquetaxpayerreference uniquetaxpayerreferences uploaddate uri uriexpiryinminutes userid
    validationcheckname validationcheckrequests validationdescription validationinstanceid
    validationtypeid value valuedatetime vatnumber verificationstatus verificationurl
    votingpercentage votingpercentageband wagesandsalaries webhookcallbackurl webhookeventstatus
    webhookid webhookname webhookrequests websiteurl workingcapital workinprogress year
    ytdgrosspay ytdnetpay ytdnipaid ytdotherdeductions ytdpensionpaid ytdtaxpaid
"""
_VALUES: Final = """
    active affordabilityinsights and approved authorising backward bankaccount bankingprocessing
    bankstatement bankstatementprocessing benefitawardletter benefits business cards case
    childbenefitletter children closed company companyregistration complete completed connected
    consumer contract created credit creditreport declined deleted dividends document
    documentprocessing dormant employment employmentcontract employmentletter essential excluded
    excluding expenditure expired factfind fail failed financialaccounts forward fourweekly
    gambling high identity identityverification income incomeemployerinsights
    inprogressneedsreview inprogresswaitingcustomer insurance loans monthly new non none
    notcompleted notrequested openbanking openbankingconnection openbankingprocessing or other
    p45 p60 pass payslip payslipprocessing pending pensions pensionstatement person property
    provided refer rejected restricted resubmissionrequested sa302 savingsstatement
    selectinginstitutions self stakeholdersdisclosure studentloanletter taxoverview
    taxoverviewprocessing toomanyresults transactions twoweekly user utilitybill value weekly
"""
_EXAMPLES: Final = "base64 gb usde"
NAMES: Final = frozenset(f"{_FIELDS} {_VALUES} {_EXAMPLES}".split())
